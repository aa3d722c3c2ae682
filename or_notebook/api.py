"""The plain Python API: ask a model, or stream its answer, in scripts and notebooks alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from or_notebook.chat.prompt import Prompt, to_messages
from or_notebook.chat.schema import Schema
from or_notebook.client.clocks import BETWEEN_TOKENS_TIMEOUT, FIRST_TOKEN_TIMEOUT
from or_notebook.client.endpoints import DEFAULT_OPENROUTER_MODEL, Endpoint, resolve
from or_notebook.wire.errors import ConfigurationError, ErrorDetail
from or_notebook.wire.request import Request
from or_notebook.wire.skins import SKINS

if TYPE_CHECKING:
    from or_notebook.chat.reply import Reply
    from or_notebook.kernel.call import Call
    from or_notebook.wire.deltas import Delta

Api = Literal["chat", "responses", "messages", "completions"]


def ask(
    prompt: Prompt,
    *,
    model: str | None = None,
    system: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    endpoint: str | None = None,
    api: Api = "chat",
    schema: Any = None,
    retries: int = 2,
    first_token_timeout: float = FIRST_TOKEN_TIMEOUT,
    between_tokens_timeout: float = BETWEEN_TOKENS_TIMEOUT,
    **parameters: Any,
) -> Reply:
    """Return the whole answer to a prompt.

    Parameters
    ----------
    prompt : str or list of messages
        The question, sent as it is; in a list, a `Reply` stands for its assistant message.
    model : str, optional
        On OpenRouter the default is its own choice, `openrouter/auto`.
    system : str, optional
        The system prompt.
    base_url, api_key : str, optional
        Default to `OPENROUTER_BASE_URL` (else OpenRouter) and `OPENROUTER_API_KEY`.
    endpoint : str, optional
        A known endpoint by its name, such as `deepseek` or `ollama`, instead of `base_url`.
    api : {"chat", "responses", "messages", "completions"}
        The dialect to speak; `parameters` keep the names of chat completions in all of them.
    schema : type or dict, optional
        What the answer must be: a Pydantic model, dataclass, TypedDict, msgspec Struct or JSON
        schema. It is sent as a strict schema; `reply.parsed` holds the object.
    retries : int
        Further tries before the first token; after it there are none.
    first_token_timeout, between_tokens_timeout : float
        Seconds; keepalives do not count as tokens.
    **parameters
        Any other field of the request body, such as `temperature` or `provider`.

    Raises
    ------
    ChatError
        The request failed or the answer broke off; `.reply` holds what had arrived.

    """
    call = prepare(
        prompt,
        model=model,
        system=system,
        base_url=base_url,
        api_key=api_key,
        endpoint=endpoint,
        api=api,
        schema=schema,
        retries=retries,
        first_token_timeout=first_token_timeout,
        between_tokens_timeout=between_tokens_timeout,
        parameters=parameters,
    )
    return call.start().wait().raise_for_status()


async def aask(prompt: Prompt, **options: Any) -> Reply:
    """Return the whole answer; the twin of `ask` for `await`, with the same options."""
    call = prepare(prompt, **_split(options))
    reply = await call.start().wait_async()
    return reply.raise_for_status()


def stream(prompt: Prompt, **options: Any) -> Stream:
    """Return an iterator over the deltas of an answer; options as for `ask`.

    `.reply` is the answer so far. Leaving the loop early closes the connection. At the end a failed
    or broken answer raises its `ChatError`.
    """
    return Stream(prompt, options)


def astream(prompt: Prompt, **options: Any) -> AsyncStream:
    """Return an asynchronous iterator over the deltas; the twin of `stream`."""
    return AsyncStream(prompt, options)


class Stream:
    """An answer to iterate over once."""

    def __init__(self, prompt: Prompt, options: dict[str, Any]) -> None:
        self._batches: SimpleQueue[list[Delta]] = SimpleQueue()
        self._call = prepare(prompt, observer=self._batches.put, **_split(options))

    @property
    def reply(self) -> Reply:
        """The answer so far."""
        return self._call.reply

    def cancel(self) -> None:
        """Close the connection; what has arrived stays in `reply`."""
        self._call.cancel()

    def __iter__(self) -> Generator[Delta, None, None]:
        call = self._call.start()
        try:
            while True:
                over = call.finished
                try:
                    batch = self._batches.get(timeout=0 if over else 0.1)
                except Empty:
                    if over:
                        break
                    continue
                yield from batch
        finally:
            call.cancel_and_settle()
        call.result().raise_for_status()


class AsyncStream:
    """An answer to iterate over once, on the caller's own loop."""

    def __init__(self, prompt: Prompt, options: dict[str, Any]) -> None:
        self._batches: asyncio.Queue[list[Delta]] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._call = prepare(prompt, observer=self._hand_over, **_split(options))

    @property
    def reply(self) -> Reply:
        """The answer so far."""
        return self._call.reply

    def cancel(self) -> None:
        """Close the connection; what has arrived stays in `reply`."""
        self._call.cancel()

    def _hand_over(self, batch: list[Delta]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._batches.put_nowait, batch)

    async def __aiter__(self) -> AsyncGenerator[Delta, None]:
        self._loop = asyncio.get_running_loop()
        call = self._call.start()
        over = asyncio.ensure_future(call.wait_async())
        try:
            while not over.done():
                batch = asyncio.ensure_future(self._batches.get())
                await asyncio.wait({batch, over}, return_when=asyncio.FIRST_COMPLETED)
                if batch.done():
                    for delta in batch.result():
                        yield delta
                else:
                    batch.cancel()
            while not self._batches.empty():
                for delta in self._batches.get_nowait():
                    yield delta
        finally:
            call.cancel()
            over.cancel()
        call.result().raise_for_status()


def prepare(
    prompt: Prompt,
    *,
    model: str | None = None,
    system: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    endpoint: str | None = None,
    own_endpoints: Mapping[str, Mapping[str, Any]] | None = None,
    api: str = "chat",
    schema: Any = None,
    retries: int = 2,
    first_token_timeout: float = FIRST_TOKEN_TIMEOUT,
    between_tokens_timeout: float = BETWEEN_TOKENS_TIMEOUT,
    parameters: dict[str, Any] | None = None,
    observer: Any = None,
) -> Call:
    """Return a call that is ready to start; raises `ConfigurationError` before anything is sent."""
    from or_notebook.client.exchange import Policy
    from or_notebook.kernel.call import Call

    skin = SKINS.get(api)
    if skin is None:
        known = ", ".join(SKINS)
        raise _misconfigured(f"There is no api {api!r}.", f"Use one of: {known}.")
    where = resolve(base_url, api_key, endpoint, own_endpoints)
    wanted = Schema.of(schema) if schema is not None else None
    fields = {**(wanted.fields() if wanted else {}), **(parameters or {})}
    request = Request(
        messages=to_messages(prompt, system),
        model=model or _default_model(where),
        parameters=where.known.translate(fields),
        include_usage=where.known.include_usage,
    )
    policy = Policy(
        retries=retries,
        first_token_timeout=first_token_timeout,
        between_tokens_timeout=between_tokens_timeout,
    )
    return Call(request, where, policy, skin=skin, schema=wanted, observer=observer)


_OPTIONS = frozenset(
    {
        "model",
        "system",
        "base_url",
        "api_key",
        "endpoint",
        "api",
        "schema",
        "retries",
        "first_token_timeout",
        "between_tokens_timeout",
    }
)


def _split(options: dict[str, Any]) -> dict[str, Any]:
    """Separate the options of `ask` from further fields of the request body."""
    known = {name: value for name, value in options.items() if name in _OPTIONS}
    rest = {name: value for name, value in options.items() if name not in _OPTIONS}
    return {**known, "parameters": rest}


def _default_model(endpoint: Endpoint) -> str:
    if endpoint.is_openrouter:
        return DEFAULT_OPENROUTER_MODEL
    raise _misconfigured(
        f"No model was named for {endpoint.host}.",
        "Name one: model='…' in Python, %%chat MODEL in a cell, or %config ChatMagics.model = '…'",
    )


def _misconfigured(message: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        ErrorDetail(kind="ConfigurationError", message=message, phase="connect", hint=hint)
    )
