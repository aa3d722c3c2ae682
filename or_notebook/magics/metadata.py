"""Asking an endpoint about itself from a magic: which endpoint, and waiting for its answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import httpx

    from or_notebook.client.endpoints import Endpoint

T = TypeVar("T")


def address(shell: Any, name: str | None = None) -> str:
    """Return the base URL that `%%chat --endpoint NAME` would use; asks no keyring for a key."""
    return without_key(shell, name).base_url


def without_key(shell: Any, name: str | None = None) -> Endpoint:
    """Return the endpoint with no key; raises `ConfigurationError` for a name that is none."""
    from or_notebook.client.endpoints import resolve

    # An empty key is one that was given: nothing else is looked for.
    return resolve(None, "", *_named(shell, name))


def with_key(shell: Any, name: str | None = None) -> Endpoint:
    """Return the endpoint with its key, or without one where none is set."""
    from or_notebook.client.endpoints import resolve
    from or_notebook.wire.errors import ConfigurationError

    bare = without_key(shell, name)
    try:
        return resolve(None, None, *_named(shell, name))
    except ConfigurationError:
        # OpenRouter lists its models to everybody; elsewhere the answer will ask for the key.
        return bare


def ask(endpoint: Endpoint, work: Callable[[httpx.AsyncClient], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on the engine and return its result; Ctrl-C and Interrupt cancel it.

    Raises what `work` raises, a `ChatError` with its hint.
    """
    from or_notebook.client.advice import advise
    from or_notebook.kernel.engine import engine
    from or_notebook.kernel.waiting import wait
    from or_notebook.kernel.wake import Signal
    from or_notebook.magics.interrupt import in_one_line
    from or_notebook.wire.errors import ChatError, to_exception
    from or_notebook.wire.request import Request

    wake = Signal()
    future = engine().submit(on_engine(work))
    future.add_done_callback(lambda _: wake.set())
    try:
        wait(future.done, lambda: None, wake, frozenset)
        return future.result()
    except KeyboardInterrupt as interrupt:
        future.cancel()
        raise in_one_line(interrupt) from None
    except ChatError as error:
        raise to_exception(advise(error.detail, endpoint, Request(messages=[]))) from None


async def on_engine(work: Callable[[httpx.AsyncClient], Coroutine[Any, Any, T]]) -> T:
    """Run `work` with the HTTP client that all cells share."""
    from or_notebook.client.http import new_client
    from or_notebook.kernel.engine import engine

    return await work(engine().local("http client", new_client))


def _named(shell: Any, name: str | None) -> tuple[str | None, Any]:
    """Return the endpoint's name and the person's own endpoints, as `%config` has them."""
    # By name: `%reload_ext` makes a new class.
    for settings in shell.configurables:
        if type(settings).__name__ == "ChatMagics":
            return name or settings.endpoint or None, settings.endpoints
    return name, None
