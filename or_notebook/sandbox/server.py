"""A thread that serves the sandbox, from a `with` block or from the command line."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from or_notebook.sandbox.app import GENERATION_DELAY, create_app
from or_notebook.sandbox.guard import is_loopback
from or_notebook.sandbox.records import Records

HOST = "127.0.0.1"
START_TIMEOUT = 10.0
"""Seconds that the server may take to start or to stop."""


class _Protocol(H11Protocol):
    """Hands its transport to the application, which may have to reset the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does it only for sockets that name their protocol, which accepted ones do not;
        # without it a token can wait 40 ms for the client's acknowledgement of the one before.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}

    def abort_unfinished(self) -> None:
        """Close at once if an answer is still under way; it could take for ever."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()


class _Server(uvicorn.Server):
    """Tells when it is ready, and does not wait for answers that never end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.abort_unfinished()
        await super().shutdown(sockets)


class RunningSandbox:
    """A sandbox that is being served; `url` is its root, `base_url` what clients need."""

    def __init__(
        self, listener: socket.socket, records: Records, generation_delay: float, catalogue: int
    ) -> None:
        host, port = listener.getsockname()[:2]
        self.port: int = port
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.base_url = f"{self.url}/api/v1"
        self._records = records
        self._listener = listener
        config = uvicorn.Config(
            create_app(records, generation_delay=generation_delay, catalogue=catalogue),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            timeout_keep_alive=60,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)

    def requests(self) -> list[dict[str, Any]]:
        """Return what the sandbox saw, oldest first; the same as `GET /sandbox/requests`."""
        return self._records.requests()

    def clear(self) -> None:
        """Forget what it saw."""
        self._records.clear()

    def is_alive(self) -> bool:
        """Return whether it is still serving."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start serving; return when the first request can come."""
        self._thread.start()
        if not self._server.ready.wait(START_TIMEOUT):
            raise RuntimeError("The sandbox did not start")

    def stop(self) -> None:
        """End all answers and stop serving."""
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT)

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))


@contextmanager
def running_sandbox(
    port: int = 0,
    *,
    host: str = HOST,
    generation_delay: float = GENERATION_DELAY,
    catalogue: int = 0,
) -> Iterator[RunningSandbox]:
    """Serve a sandbox while the block runs; port 0 takes any free one.

    A bill is known `generation_delay` seconds after its answer; `catalogue` further models are made
    up, which all say hello.
    Raises OSError if the port is taken, ValueError if the host is not this machine.
    """
    if not is_loopback(host):
        raise ValueError(f"The sandbox listens on loopback addresses only, not on {host}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), port), family=family)
    sandbox = RunningSandbox(listener, Records(), generation_delay, catalogue)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()
        listener.close()
