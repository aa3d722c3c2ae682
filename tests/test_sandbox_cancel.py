"""What the sandbox notices and bills when its client leaves."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from or_notebook.sandbox.server import RunningSandbox, running_sandbox
from tests.support.sandbox import until


@contextmanager
def asking(
    server: RunningSandbox, body: dict[str, Any], path: str = "/chat/completions"
) -> Iterator[socket.socket]:
    """Send a request on a bare socket, which the block closes when it likes."""
    prompt = {"messages": [{"role": "user", "content": "Go."}], "input": "Go.", "prompt": "Go."}
    content = json.dumps({**prompt, **body}).encode()
    head = (
        f"POST /api/v1{path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer k\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode() + content)
        yield connection


def leave(
    server: RunningSandbox, body: dict[str, Any], tokens: int, path: str = "/chat/completions"
) -> dict[str, Any]:
    """Ask, leave once so many tokens were sent, and return the record of it."""
    with asking(server, body, path):
        until(lambda: server.requests() and server.requests()[-1]["model"])
        until(lambda: server.requests()[-1]["tokens_sent"] >= tokens)
    left = time.monotonic()
    record = until(lambda: server.requests()[-1]["finished_at"] and server.requests()[-1])
    # 20 ms on a quiet machine; the bound only tells notice from chance.
    assert record["disconnected_monotonic"] - left < 1
    return record


def bill_of(server: RunningSandbox, record: dict[str, Any]) -> dict[str, Any]:
    response = httpx.get(
        f"{server.base_url}/generation",
        params={"id": record["generation_id"]},
        headers={"Authorization": "Bearer k"},
    )
    data: dict[str, Any] = response.raise_for_status().json()["data"]
    return data


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"model": "sandbox/essay@50", "stream": True}, 3),
        ({"model": "sandbox/essay@5000", "stream": True, "sandbox": {"tokens": 400_000}}, 100),
        ({"model": "sandbox/stall@5000", "stream": True}, 20),
        ({"model": "sandbox/stall@5000", "stream": True, "sandbox": {"keepalives": False}}, 20),
        ({"model": "sandbox/slow", "stream": True}, 0),
        ({"model": "sandbox/slow", "stream": False}, 0),
        ({"model": "sandbox/silent", "stream": True}, 0),
        ({"model": "sandbox/silent", "stream": False}, 0),
    ],
    ids=[
        "streaming",
        "flooding",
        "stalled with keepalives",
        "stalled in silence",
        "waiting for the first token",
        "waiting for a body",
        "no headers, stream",
        "no headers, body",
    ],
)
def test_disconnect_is_noticed(
    sandbox: RunningSandbox,
    body: dict[str, Any],
    tokens: int,
) -> None:
    record = leave(sandbox, body, tokens)
    assert record["cancelled"] is True
    assert record["finish_reason"] is None
    assert record["tokens_sent"] >= tokens
    assert record["status"] == (200 if body["stream"] and "silent" not in body["model"] else None)
    assert bill_of(sandbox, record)["cancelled"] is True


@pytest.mark.parametrize("path", ["/responses", "/messages", "/completions"])
def test_cancel_is_billed_alike_on_every_skin(sandbox: RunningSandbox, path: str) -> None:
    for provider, in_full in (("Fireworks", False), ("Google", True)):
        settings = {"provider": provider, "tokens": 300, "tokens_per_second": 200}
        body = {"model": "sandbox/essay", "stream": True, "sandbox": settings}
        record = leave(sandbox, body, 5, path)
        billed = bill_of(sandbox, record)["native_tokens_completion"]
        assert billed == (300 if in_full else record["tokens_sent"])


def test_cancel_stops_the_bill_where_the_provider_supports_it(
    sandbox: RunningSandbox,
) -> None:
    record = leave(sandbox, {"model": "sandbox/essay@100", "stream": True}, 5)
    bill = bill_of(sandbox, record)
    assert (bill["provider_name"], bill["finish_reason"]) == ("Fireworks", None)
    assert bill["native_tokens_completion"] == record["tokens_sent"]
    prompt_cost = bill["native_tokens_prompt"] * 0.0000004
    assert bill["total_cost"] == pytest.approx(prompt_cost + record["tokens_sent"] * 0.0000016)


def test_cancel_bills_everything_where_the_provider_does_not_support_it(
    sandbox: RunningSandbox,
) -> None:
    settings = {"provider": "Google", "tokens": 500, "tokens_per_second": 100}
    record = leave(sandbox, {"model": "sandbox/essay", "stream": True, "sandbox": settings}, 5)
    assert record["tokens_sent"] < 500
    bill = bill_of(sandbox, record)
    assert (bill["provider_name"], bill["native_tokens_completion"]) == ("Google", 500)
    prompt_cost = bill["native_tokens_prompt"] * 0.0000004
    assert bill["total_cost"] == pytest.approx(prompt_cost + 500 * 0.0000016)


def test_cancel_before_the_first_token_is_free(sandbox: RunningSandbox) -> None:
    settings = {"provider": "OpenAI"}
    record = leave(sandbox, {"model": "sandbox/slow", "stream": True, "sandbox": settings}, 0)
    assert bill_of(sandbox, record)["total_cost"] == 0


def test_cancel_of_a_body_is_billed_in_full(sandbox: RunningSandbox) -> None:
    settings = {"provider": "OpenAI", "tokens": 300, "tokens_per_second": 50}
    record = leave(sandbox, {"model": "sandbox/essay", "sandbox": settings}, 2)
    assert bill_of(sandbox, record)["native_tokens_completion"] == 300


def test_leaving_after_the_end_is_no_cancel(sandbox: RunningSandbox) -> None:
    with asking(sandbox, {"model": "sandbox/hello@5000", "stream": True}) as connection:
        answer = b""
        while b"[DONE]" not in answer:
            answer += connection.recv(65536)
    record = until(lambda: [r for r in sandbox.requests() if r["finished_at"]])[-1]
    assert (record["cancelled"], record["finish_reason"]) == (False, "stop")
    assert bill_of(sandbox, record)["cancelled"] is False


def test_generation_is_unknown_until_its_bill_is_written() -> None:
    with running_sandbox(generation_delay=3600) as server:
        record = leave(server, {"model": "sandbox/stall@5000", "stream": True}, 20)
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            bill_of(server, record)


def test_sandbox_stops_although_an_answer_never_ends() -> None:
    stall = {"model": "sandbox/stall@5000", "stream": True}
    with running_sandbox() as server, asking(server, stall) as connection:
        until(lambda: server.requests() and server.requests()[-1]["tokens_sent"] == 20)
        server.stop()
        assert not server.is_alive()
        while connection.recv(65536):
            pass
