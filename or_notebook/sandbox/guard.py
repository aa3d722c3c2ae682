"""Middleware: who may ask, and the record of what was asked."""

from __future__ import annotations

import ipaddress
import time

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from or_notebook.sandbox.records import Records, new_record


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


class LoopbackOnly:
    """Refuses a foreign `Host`, so that no web page reads the prompts by DNS rebinding."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass requests on whose `Host` means this machine."""
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if is_loopback(name):
            await self._app(scope, receive, send)
            return
        error = {"code": 403, "message": "The sandbox answers on loopback addresses only"}
        await JSONResponse({"error": error}, 403)(scope, receive, send)


class Recorder:
    """Keeps a record of every request to the API."""

    def __init__(self, app: ASGIApp, records: Records) -> None:
        self._app = app
        self._records = records

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record the request and the status that it gets."""
        record = new_record(scope["method"], scope["path"], scope["headers"])
        scope["sandbox.record"] = record
        if scope["path"].startswith("/api/"):
            self._records.add_request(record)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            record.disconnected()
        finally:
            record.finished_at = time.time()
