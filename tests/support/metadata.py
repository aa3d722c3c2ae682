"""A loopback server for `GET /models`, `/key` and `/credits`, which answers what a test chooses."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from or_notebook.client.endpoints import Endpoint


class Server(ThreadingHTTPServer):
    """Answers GET with what a test puts into `answers` by path and query; notes what it saw."""

    daemon_threads = True

    def __init__(self, key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.seen: list[tuple[str, str | None]] = []
        self.base_url = f"http://127.0.0.1:{self.server_port}/v1"
        self.endpoint = Endpoint(base_url=self.base_url, api_key=key, key_source="argument")
        self.silent = False
        """Take requests and leave them without an answer until `go_on` is set."""
        self.go_on = threading.Event()

    def answer(self, path: str, value: object, status: int = 200) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.answers[f"/v1{path}"] = (status, body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["Authorization"]))
        if self.server.silent:
            self.server.go_on.wait(10)
        status, body = self.server.answers.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def answering_server(key: str) -> Iterator[Server]:
    """Serve on a loopback port; `key` is the one of the server's `endpoint`."""
    with Server(key) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()
