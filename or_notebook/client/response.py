"""Reading one HTTP response: what came back, and what it means (PROTOCOL.md, section 3.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import msgspec

from or_notebook.wire import deltas as d
from or_notebook.wire.error_bodies import detail_from_body, detail_from_object
from or_notebook.wire.error_headers import request_id
from or_notebook.wire.error_pages import is_html, page_title
from or_notebook.wire.errors import ErrorDetail
from or_notebook.wire.skins import EventDecoder
from or_notebook.wire.sse import MAX_EVENT_BYTES, Decoder, Event, EventTooLargeError, Item

ERROR_BODY_LIMIT = 64 * 1024
DRAIN_SECONDS = 0.02
"""How long to read on after `[DONE]`, so that the connection can be used again."""

_SNIFFED = 64 * 1024


class Outcome(msgspec.Struct, kw_only=True):
    """How one attempt ended: closed for good, or with a failure that may allow another try."""

    closed: bool = False
    failure: ErrorDetail | None = None
    broken: str | None = None
    events: int = 0

    def error(self) -> ErrorDetail:
        """Return the failure, or one that describes the broken stream."""
        return self.failure or ErrorDetail(
            kind="TruncatedError",
            message=self.broken or "The endpoint closed the stream without an answer.",
            retry_safe=True,
        )


class ResponseReader:
    """Reads one response and delivers its deltas as they come."""

    def __init__(
        self,
        decoder: EventDecoder,
        deliver: Callable[[list[d.Delta]], None],
        may_retry: Callable[[ErrorDetail], bool],
    ) -> None:
        self._decoder = decoder
        self._deliver = deliver
        self._may_retry = may_retry
        self._events = 0
        self._tokens_seen = False
        self._failed = False
        self._request_id: str | None = None
        self.opened = False

    async def read(self, response: httpx.Response) -> Outcome:
        """Read to the end; raises `httpx.HTTPError` if the transport fails on the way."""
        generation_id = response.headers.get("x-generation-id") or None
        self._request_id = request_id(response.headers)
        self._deliver([d.Opened(response.status_code, generation_id, self._request_id)])
        if response.status_code >= 300:
            return Outcome(failure=await _refusal(response))
        self.opened = True
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type in {"text/html", "application/xhtml+xml"} or content_type.endswith("json"):
            return self._body(await _read_limited(response, MAX_EVENT_BYTES))
        return await self._stream(response.aiter_bytes(), content_type == "text/event-stream")

    def broken_by(self, error: Exception, host: str) -> Outcome:
        """Return the outcome of a transport failure after the headers."""
        words = str(error).rstrip(".") or type(error).__name__
        return self._end(f"The connection to {host} broke in the middle of the answer: {words}.")

    # -- event streams -------------------------------------------------------------------------

    async def _stream(self, chunks: AsyncIterator[bytes], declared: bool) -> Outcome:
        sse = Decoder()
        head = b""
        async for chunk in chunks:
            if not self._events and len(head) < _SNIFFED:
                head += chunk
            try:
                items = sse.feed(chunk)
            except EventTooLargeError as error:
                self._take(error.items)
                return self._fail(_too_large(error))
            if items:
                done = self._take(items)
                if done is not None:
                    return await self._finish(done, chunks)
        # Some gateways call a plain body an event stream, or an event stream nothing at all.
        if not self._events and _is_body(head, declared):
            return self._body(head)
        return self._end(None)

    def _take(self, items: list[Item]) -> Outcome | None:
        """Deliver the deltas of some items; return the outcome if they end the answer."""
        deltas: list[d.Delta] = []
        for item in items:
            found = self._decoder.decode(item)
            if isinstance(item, Event) and not (found and type(found[-1]) is d.Done):
                self._events += 1
            for delta in found:
                if isinstance(delta, d.TOKEN_DELTAS):
                    self._tokens_seen = True
                elif isinstance(delta, d.Failure):
                    if not self._tokens_seen and not self._failed and self._may_retry(delta.error):
                        self._deliver(deltas)
                        return Outcome(failure=delta.error, events=self._events)
                    self._failed = True
                deltas.append(delta)
                if type(delta) is d.Done:
                    self._deliver(deltas)
                    return Outcome(closed=True, events=self._events)
        if deltas:
            self._deliver(deltas)
        return None

    async def _finish(self, outcome: Outcome, chunks: AsyncIterator[bytes]) -> Outcome:
        """End after `[DONE]`: the connection goes back to the pool before the call counts as over.

        Otherwise a request that follows at once would have to open another one.
        """
        if outcome.closed:
            await _drain(chunks)
            self._deliver([d.Closed(self._events)])
        return outcome

    def _end(self, broken: str | None) -> Outcome:
        """Close after the end of the bytes, unless nothing came and another try may help."""
        # A finish reason without a token is an answer too: asking again would not help.
        if self._tokens_seen or self._failed or self._decoder.finished:
            self._deliver([d.Closed(self._events, broken)])
            return Outcome(closed=True, events=self._events)
        return Outcome(broken=broken, events=self._events)

    def _fail(self, detail: ErrorDetail) -> Outcome:
        self._deliver([d.Failure(detail), d.Closed(self._events)])
        return Outcome(closed=True, events=self._events)

    # -- whole bodies --------------------------------------------------------------------------

    def _body(self, body: bytes) -> Outcome:
        """Read a body that is no event stream: an answer, an error in spite of 200, or neither."""
        text = body.decode("utf-8", "replace").strip()
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            return Outcome(failure=_not_json(body))
        deltas = self._decoder.whole(value) if isinstance(value, dict) else None
        if deltas is not None and (_has_token(deltas) or not value.get("error")):
            if not self._decoder.finished:
                # Nothing else says so where the finish reason is missing: the answer is whole.
                deltas.append(d.Done())
            self._deliver([*deltas, d.Closed(0)])
            return Outcome(closed=True)
        detail = detail_from_object(
            value, phase="pre_stream", http_status=200, request_id=self._request_id
        )
        return Outcome(failure=detail)


def _is_body(head: bytes, declared: bool) -> bool:
    """Tell whether bytes without any event are a whole body, by how they begin."""
    start = head.lstrip()[:1]
    return start in {b"{", b"[", b"<"} if declared else bool(start)


def _has_token(deltas: list[d.Delta]) -> bool:
    return any(isinstance(delta, d.TOKEN_DELTAS) for delta in deltas)


async def _refusal(response: httpx.Response) -> ErrorDetail:
    if response.status_code < 400:
        return ErrorDetail(
            kind="ProtocolError",
            message=f"The endpoint answered with a redirect (HTTP {response.status_code}).",
            meaning=f"It points to {response.headers.get('location', 'nowhere')}",
            hint="Use that address as the base URL; a key is not sent on to another address.",
            code=response.status_code,
            http_status=response.status_code,
        )
    body = await _read_limited(response, ERROR_BODY_LIMIT)
    return detail_from_body(response.status_code, response.headers, body)


async def _read_limited(response: httpx.Response, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        parts.append(chunk)
        size += len(chunk)
        if size > limit:
            break
    return b"".join(parts)[:limit]


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    async def read_on() -> None:
        async for _ in chunks:
            pass

    try:
        await asyncio.wait_for(read_on(), DRAIN_SECONDS)
    except (asyncio.TimeoutError, httpx.HTTPError):
        # The answer is whole; a connection that does not end is closed instead of kept.
        return


def _too_large(error: EventTooLargeError) -> ErrorDetail:
    return ErrorDetail(
        kind="ProtocolError",
        message=f"One event of the stream exceeds {error.limit // (1024 * 1024)} MiB.",
        phase="mid_stream",
        meaning="What had arrived before it is kept; the connection was closed.",
        hint="Ask for a smaller image or another model, or tell the endpoint's makers.",
    )


def _not_json(body: bytes) -> ErrorDetail:
    what = "an HTML page" if is_html(body) else "something that is neither events nor JSON"
    found = page_title(body)
    return ErrorDetail(
        kind="ProtocolError",
        message=f"The endpoint sent {what} instead of an answer.",
        meaning=f"It begins: “{found[:120]}”" if found else "The body was empty.",
        hint="Check the base URL: it usually ends in /v1.",
        http_status=200,
    )
