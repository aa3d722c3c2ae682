"""One request and its answer: sent, decoded, retried before the first token, never after it.

Everything that happens, failures included, reaches the caller as deltas, in order; the last one is
always `Closed`. The only exception that leaves this module is the caller's own cancellation, which
closes the connection at once.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from typing import TypeAlias

import httpx
import msgspec

from or_notebook.client.advice import advise, advise_with_catalogue
from or_notebook.client.clocks import BETWEEN_TOKENS_TIMEOUT, FIRST_TOKEN_TIMEOUT, TokenClock
from or_notebook.client.endpoints import Endpoint
from or_notebook.client.redaction import redact_delta
from or_notebook.client.response import Outcome, ResponseReader
from or_notebook.client.transport_errors import describe
from or_notebook.wire import deltas as d
from or_notebook.wire.errors import ErrorDetail
from or_notebook.wire.request import Request
from or_notebook.wire.skins import Skin

Sink: TypeAlias = Callable[[list[d.Delta]], None]

LONGEST_WAIT = 60.0
"""Seconds; an endpoint that asks for more is not waited for (PROTOCOL.md, section 3.6)."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient to be: tries after the first, and seconds allowed to and between tokens."""

    retries: int = 2
    first_token_timeout: float = FIRST_TOKEN_TIMEOUT
    between_tokens_timeout: float = BETWEEN_TOKENS_TIMEOUT


class Exchange:
    """One request on its way."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        endpoint: Endpoint,
        skin: Skin,
        request: Request,
        policy: Policy,
        sink: Sink,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._skin = skin
        self._request = request
        self._policy = policy
        self._sink = sink
        self._clock: TokenClock
        self._url: str
        self._content: bytes

    async def run(self) -> None:
        """Send the request and deliver its deltas until the answer is over."""
        path, body = self._skin.encode(self._request)
        try:
            content = msgspec.json.encode(body)
        except (TypeError, UnicodeEncodeError) as error:
            failure = advise(_not_encodable(error), self._endpoint, self._request)
            self._sink([d.Failure(failure), d.Closed()])
            return
        await self._run(self._endpoint.base_url + path, content)

    async def _run(self, url: str, content: bytes) -> None:
        self._url, self._content = url, content
        policy = self._policy
        self._clock = TokenClock(policy.first_token_timeout, policy.between_tokens_timeout)
        try:
            await self._try_and_retry()
        except asyncio.CancelledError:
            if not self._clock.expired:
                raise
            _forget_own_cancellation()
            failure = advise(self._timed_out(), self._endpoint, self._request)
            self._sink([d.Failure(failure), d.Closed()])
        finally:
            self._clock.stop()

    async def _try_and_retry(self) -> None:
        attempt = 0
        while True:
            outcome = await self._attempt(attempt)
            if outcome.closed:
                return
            failure = outcome.error()
            if not self._may_retry(failure, attempt):
                break
            delay = _delay(failure, attempt)
            attempt += 1
            reason = advise(failure, self._endpoint, self._request)
            allowed = _tries_allowed(failure, self._policy.retries)
            self._sink([d.Retry(reason, attempt, allowed, delay)])
            await asyncio.sleep(delay)
        await self._give_up(outcome)

    def _may_retry(self, failure: ErrorDetail, attempt: int) -> bool:
        """Tell whether another try is allowed, of use, and not too far away."""
        return (
            failure.retry_safe
            and attempt < _tries_allowed(failure, self._policy.retries)
            and (failure.retry_after or 0.0) <= LONGEST_WAIT
        )

    async def _give_up(self, outcome: Outcome) -> None:
        closed = d.Closed(outcome.events, outcome.broken)
        last = [redact_delta(closed, self._endpoint.secrets)]
        if outcome.failure is not None:
            detail = await advise_with_catalogue(
                outcome.failure, self._endpoint, self._request, self._client
            )
            last.insert(0, d.Failure(detail))
        self._sink(last)

    async def _attempt(self, attempt: int) -> Outcome:
        reader = ResponseReader(
            self._skin.decoder(),
            self._deliver,
            lambda failure: self._may_retry(failure, attempt),
        )
        try:
            async with self._client.stream(
                "POST",
                self._url,
                content=self._content,
                headers=self._headers(),
            ) as response:
                return await reader.read(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if reader.opened:
                return reader.broken_by(error, self._endpoint.host)
            return Outcome(failure=describe(error, self._endpoint))

    def _headers(self) -> dict[str, str]:
        headers = {**self._endpoint.headers(), **self._skin.headers}
        return {**headers, "Content-Type": "application/json"}

    def _deliver(self, deltas: list[d.Delta]) -> None:
        """Hand deltas on; failures get their advice here, tokens re-arm the clock."""
        for position, delta in enumerate(deltas):
            if isinstance(delta, d.TOKEN_DELTAS):
                self._clock.token()
            elif isinstance(delta, d.Failure):
                detail = advise(delta.error, self._endpoint, self._request)
                deltas[position] = d.Failure(detail)
            else:
                deltas[position] = redact_delta(delta, self._endpoint.secrets)
        self._sink(deltas)

    def _timed_out(self) -> ErrorDetail:
        began = self._clock.waiting_for.startswith("no further")
        return ErrorDetail(
            kind="TimedOut",
            message=f"{self._endpoint.host} sent {self._clock.waiting_for}.",
            phase="mid_stream" if began else "pre_stream",
            type="timeout",
            meaning="The connection was closed. Keepalives do not count as an answer.",
            hint="Run the cell again, choose another model, or allow more time "
            "(%config ChatMagics.first_token_timeout, .between_tokens_timeout).",
        )


def _not_encodable(error: TypeError | UnicodeEncodeError) -> ErrorDetail:
    """Describe a request that is no JSON: an object in it, or half a surrogate pair in its text."""
    surrogate = isinstance(error, UnicodeEncodeError)
    return ErrorDetail(
        kind="ConfigurationError",
        message="The text holds half of a surrogate pair, which no UTF-8 can carry."
        if surrogate
        else f"The request cannot be written as JSON: {error}.",
        phase="connect",
        hint="Clean it: text.encode('utf-8', 'replace').decode()"
        if surrogate
        else "Pass plain values: str, int, float, bool, None, lists and dicts.",
    )


def _tries_allowed(failure: ErrorDetail, retries: int) -> int:
    """Return how often to try again; a bare 503 is tried once more only (section 3.3)."""
    if failure.http_status == 503 and failure.retry_after is None:
        retryable = (failure.availability or {}).get("retryable")
        return retries if retryable else min(retries, 1)
    return retries


def _delay(failure: ErrorDetail, attempt: int) -> float:
    """Return the seconds to wait: what the endpoint asks for, else 0.5·2^n with jitter."""
    if failure.retry_after is not None:
        return failure.retry_after
    return 0.5 * 2.0**attempt * random.uniform(0.75, 1.25)  # noqa: S311 - no secret depends on it


def _forget_own_cancellation() -> None:
    """Undo the clock's cancellation, so that the task may go on (3.11 counts the requests)."""
    task = asyncio.current_task()
    if sys.version_info >= (3, 11) and task is not None:
        task.uncancel()
