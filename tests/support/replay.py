"""A loopback HTTP server that answers every POST with bytes that a test chooses."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.protocol import Case

TLS_HANDSHAKE = b"\x16"
MANY_CHUNKS = 20_000


@dataclass
class Answer:
    """What to send: status line, headers, network chunks, and how to end."""

    chunks: list[bytes]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    abort: bool = False
    hold: bool = False
    """Keep the connection open after the last chunk until the client closes it."""
    before_headers: bool = False
    """With `abort`: close before anything is sent."""


def answer_of(case: Case, chunks: list[bytes] | None = None) -> Answer:
    return Answer(chunks or case.chunks, case.status, case.headers, case.abort)


class ReplayServer:
    """Serves `answers` in order, the last one for ever; counts what it saw."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.disconnected = threading.Event()
        self.base_url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            closing = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
            with contextlib.suppress(*closing):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        if first == TLS_HANDSHAKE:
            # What web servers do when TLS arrives at their plain port.
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return False
        rest = await reader.readuntil(b"\r\n\r\n")
        head = (first + rest).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if not head[0].startswith("POST"):
            words = b"407 Refused" if head[0].startswith("CONNECT") else b"404 Not Found"
            writer.write(b"HTTP/1.1 " + words + b"\r\nContent-Length: 0\r\n\r\n")
            return True
        self.bodies.append(body)
        self.headers.append(headers)
        answer = self.answers[min(len(self.bodies), len(self.answers)) - 1]
        if answer.before_headers:
            writer.transport.abort()
            return False
        lines = [f"HTTP/1.1 {answer.status} Whatever"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines += ["Transfer-Encoding: chunked", "", ""]
        writer.write("\r\n".join(lines).encode("latin-1"))
        for number, chunk in enumerate(answer.chunks):
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            # One turn of both loops between chunks keeps most of them apart on the wire; of very
            # many chunks that much is not needed.
            if number < MANY_CHUNKS:
                await asyncio.sleep(0)
        if answer.abort:
            await asyncio.sleep(0.02)
            writer.transport.abort()
            return False
        if answer.hold:
            await reader.read()
            self.disconnected.set()
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@contextlib.contextmanager
def replaying(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[ReplayServer]:
    """Serve the answers on a loopback port of a thread of its own."""
    server = ReplayServer(list(answers))
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def main() -> None:
        listening = await asyncio.start_server(server._serve, "127.0.0.1", 0, limit=2**20, ssl=tls)
        scheme = "https" if tls else "http"
        server.base_url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            listening.close()

    def run() -> None:
        asyncio.set_event_loop(loop)
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        rest = asyncio.all_tasks(loop)
        for pending in rest:
            pending.cancel()
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        # Closed transports report so on the loop's next turns.
        loop.run_until_complete(asyncio.sleep(0.001))
        loop.close()

    task = loop.create_task(main())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(5)
