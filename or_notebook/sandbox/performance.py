"""The steps of an answer become a response, until they end or the client leaves."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from starlette.types import Receive, Scope, Send

from or_notebook.sandbox.envelope import Envelope
from or_notebook.sandbox.generation import Generation
from or_notebook.sandbox.pacing import paced
from or_notebook.sandbox.records import RequestRecord
from or_notebook.sandbox.skins import Skin
from or_notebook.sandbox.steps import (
    ENDS,
    TOKENS,
    Failure,
    Finish,
    KeepAlive,
    Reset,
    Silence,
    Step,
    Verbatim,
)

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing sends RST instead of FIN."""


class Performance:
    """An ASGI response that plays steps and notices at any moment that the client has left."""

    def __init__(
        self,
        skin: Skin,
        generation: Generation,
        steps: Sequence[Step],
        record: RequestRecord,
        ended: Callable[[Generation], None],
    ) -> None:
        self._skin = skin
        self._generation = generation
        self._steps = steps
        self._record = record
        self._ended = ended
        self._is_over = False
        self._was_reset = False
        self._envelope = Envelope(generation.id, generation.call, int(time.time()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Play the steps while listening for the client's disconnect."""
        playing = asyncio.create_task(self._play(scope, send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                self._client_left()
            elif self._was_reset:
                await leaving
        finally:
            playing.cancel()
            leaving.cancel()
            await asyncio.gather(playing, leaving, return_exceptions=True)
        if not playing.cancelled():
            playing.result()

    def _client_left(self) -> None:
        self._record.disconnected()
        if not self._is_over:
            self._record.cancelled = True
            self._generation.cancel(self._steps)
            self._ended(self._generation)

    async def _play(self, scope: Scope, send: Send) -> None:
        if isinstance(self._steps[0], Silence):
            await asyncio.Event().wait()
        if self._generation.call.streamed:
            await self._play_stream(scope, send)
        else:
            await self._play_body(scope, send)

    async def _play_stream(self, scope: Scope, send: Send) -> None:
        stream = self._skin.stream(self._envelope)
        await self._send_head(send, b"text/event-stream")
        first = [] if self._generation.call.settings.keepalives is False else [KeepAlive()]
        async with aclosing(self._batches([*first, *self._steps])) as batches:
            async for batch in batches:
                encoded = [
                    stream.encode(self._count(step), self._generation.tally) for step in batch
                ]
                if any(encoded):
                    await _send_body(send, b"".join(encoded), more=True)
                if any(isinstance(step, Reset) for step in batch):
                    self._reset(scope)
                    return
        await _send_body(send, b"")

    async def _play_body(self, scope: Scope, send: Send) -> None:
        body = self._skin.body(self._envelope)
        async with aclosing(self._batches(self._steps)) as batches:
            async for batch in batches:
                for step in batch:
                    body.add(self._count(step), self._generation.tally)
                    if isinstance(step, Reset):
                        self._reset(scope)
                        return
        payload = json.dumps(body.payload(self._generation.tally), ensure_ascii=False)
        await self._send_head(send, b"application/json")
        await _send_body(send, payload.encode())

    def _batches(self, steps: Sequence[Step]) -> AsyncGenerator[list[Step], None]:
        settings = self._generation.call.settings
        return paced(steps, settings.tokens_per_second, settings.keepalive_interval)

    def _count(self, step: Step) -> Step:
        """Add a step to the bill and to the record, and return it."""
        generation, record = self._generation, self._record
        generation.tally.add(step)
        record.tokens_sent = generation.tally.completion
        if isinstance(step, TOKENS):
            generation.first_token = generation.first_token or time.monotonic()
        elif isinstance(step, KeepAlive):
            record.keepalives_sent += 1
        elif isinstance(step, Finish):
            generation.finish_reason = record.finish_reason = step.reason
        elif isinstance(step, (Failure, Verbatim)):
            generation.failed = True
            generation.finish_reason = record.finish_reason = "error"
        if isinstance(step, ENDS):
            # Before the client learns of the end, which may ask for the bill at once.
            self._is_over = True
            self._ended(generation)
        return step

    def _reset(self, scope: Scope) -> None:
        """Reset the connection; the server puts its transport into the state of the scope."""
        transport: asyncio.Transport = scope["state"]["transport"]
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
        self._was_reset = True

    async def _send_head(self, send: Send, content_type: bytes) -> None:
        headers = [
            (b"content-type", content_type),
            (b"cache-control", b"no-cache"),
            (b"x-generation-id", self._generation.id.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _send_body(send: Send, body: bytes, *, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
