"""One running request: the engine folds its answer, any thread may watch or cancel it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from or_notebook.chat.reply import Reply
from or_notebook.kernel.engine import engine
from or_notebook.kernel.wake import Signal
from or_notebook.wire.errors import ChatError
from or_notebook.wire.skins import SKINS, Skin

if TYPE_CHECKING:
    from or_notebook.chat.schema import Schema
    from or_notebook.client.catalogue_cache import Catalogue
    from or_notebook.client.endpoints import Endpoint
    from or_notebook.client.exchange import Policy
    from or_notebook.wire.deltas import Delta
    from or_notebook.wire.request import Request

CANCEL_GRACE = 0.25
"""Seconds that a cancelled call may take to say so, before it counts as over anyway."""


class Call:
    """A request on its way and the reply that grows from it.

    `reply` is folded on the engine's thread. `observer`, if given, gets each batch of deltas there
    too, after it was folded. `wake` is set whenever there is something new.
    """

    def __init__(
        self,
        request: Request,
        endpoint: Endpoint,
        policy: Policy,
        *,
        skin: Skin = SKINS["chat"],
        schema: Schema | None = None,
        observer: Callable[[list[Delta]], None] | None = None,
    ) -> None:
        self.request = request
        self.endpoint = endpoint
        self.policy = policy
        self.reply = Reply(requested_model=request.model, started_at=time.time())
        self.wake = Signal()
        self.skin = skin
        self._schema = schema
        self._observer = observer
        self._began = time.monotonic()
        self._over: Future[None] = Future()
        self._task: Future[None] | None = None
        self._bill: asyncio.Task[None] | None = None
        self.bill_pending = False
        """Whether somebody is still being asked what a finished answer cost."""

    def start(self) -> Call:
        """Send the request; returns at once."""
        self._began = time.monotonic()
        self._task = engine().submit(self._run())
        self._task.add_done_callback(self._task_done)
        return self

    @property
    def elapsed(self) -> float:
        """Seconds since the start; stands still once the answer is over."""
        finished = self.reply.timing.finished
        return time.monotonic() - self._began if finished is None else finished

    @property
    def finished(self) -> bool:
        """Whether the answer is over, for whatever reason."""
        return self._over.done()

    def cancel(self, note: str | None = None) -> None:
        """Close the connection and keep what has arrived; may be called from any thread, twice."""
        if self.finished:
            return
        if self._task is None:
            # Interrupted before it was sent: there is nothing to close.
            self.reply.cancel(0.0, note)
            self._over.set_result(None)
            return
        # In this order: whatever the end of the task sets off must find a cancelled reply.
        engine().loop.call_soon_threadsafe(self._cancelled, note)
        self._task.cancel()

    def wait(self) -> Reply:
        """Block until the answer is over; Ctrl-C cancels it and is raised."""
        try:
            while not self.finished:
                self.wake.wait(0.1)
        except KeyboardInterrupt:
            self.cancel_and_settle("Interrupted.")
            raise
        return self.result()

    def cancel_and_settle(self, note: str | None = None) -> None:
        """Cancel, and give the engine a moment to note it in the reply."""
        self.cancel(note)
        deadline = time.monotonic() + CANCEL_GRACE
        while not self.finished and time.monotonic() < deadline:
            self.wake.wait(0.01)

    def result(self) -> Reply:
        """Return the reply of a finished call; raises only what is a defect of this package.

        The answer to a schema is validated here, on the caller's thread: a validator may be the
        person's own code.
        """
        task = self._task
        if task is not None and task.done() and not task.cancelled():
            task.result()
        schema, self._schema = self._schema, None
        if schema is not None and self.reply.status == "complete":
            schema.validate(self.reply)
        return self.reply

    async def wait_async(self) -> Reply:
        """Wait on the caller's own loop; cancelling the waiting task cancels the call."""
        try:
            await asyncio.shield(asyncio.wrap_future(self._over))
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self.result()

    # -- on the engine's thread ----------------------------------------------------------------

    async def _run(self) -> None:
        from or_notebook.client.exchange import Exchange
        from or_notebook.client.http import new_client

        client = engine().local("http client", new_client)
        exchange = Exchange(client, self.endpoint, self.skin, self.request, self.policy, self._fold)
        await exchange.run()

    def _fold(self, deltas: list[Delta]) -> None:
        at = time.monotonic() - self._began
        apply = self.reply.apply
        for delta in deltas:
            apply(delta, at)
        if self._observer is not None:
            self._observer(deltas)
        if self.reply.status != "streaming":
            self._settle()
        self.wake.set()

    async def _complete_bill(self) -> None:
        """Ask the service for what the stream did not tell, then the catalogue for the price."""
        from or_notebook.client.catalogue import listing
        from or_notebook.client.generation import look_up
        from or_notebook.client.http import new_client

        reply = self.reply
        try:
            client = engine().local("http client", new_client)
            if reply.lacks_bill and reply.generation_id:
                record = await look_up(client, self.endpoint, reply.generation_id)
                if record is not None:
                    reply.bill(record)
            if self._lacks_price:
                self._estimate((await listing(client, self.endpoint)).catalogue)
        except ChatError:
            # No catalogue to be had: the cost stays unknown, as the summary says.
            return
        finally:
            self.bill_pending = False

    @property
    def _lacks_price(self) -> bool:
        reply = self.reply
        priced = reply.estimated_cost is not None
        return reply.usage is not None and reply.usage.cost is None and not priced

    def _estimate(self, catalogue: Catalogue) -> None:
        """Compute the cost from the catalogue's prices, where the endpoint reported none."""
        from or_notebook.client.models import cost_of

        reply = self.reply
        names = [name for name in (reply.model, reply.requested_model) if name]
        model = next(filter(None, map(catalogue.find, names)), None)
        if model is not None and reply.usage is not None:
            reply.estimated_cost = cost_of(model, reply.usage)

    def _cancelled(self, note: str | None) -> None:
        self.reply.cancel(time.monotonic() - self._began, note)
        self._settle()

    def _task_done(self, _task: Future[Any]) -> None:
        # Called by whichever thread completes the task; settling belongs to the engine's.
        engine().loop.call_soon_threadsafe(self._settle)

    def _price(self) -> None:
        """Estimate a missing cost from what is known here, else ask in the background."""
        from or_notebook.client.catalogue_cache import fresh

        if self._lacks_price:
            known = fresh(self.endpoint.base_url)
            if known is not None:
                self._estimate(known)
                return
        if self.reply.lacks_bill or self._lacks_price:
            self.bill_pending = True
            self._bill = asyncio.ensure_future(self._complete_bill())

    def _settle(self) -> None:
        if not self._over.done():
            self._price()
            self._over.set_result(None)
        self.wake.set()
