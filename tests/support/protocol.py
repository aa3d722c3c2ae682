"""The framing vectors and the response corpus, read in place or from the copy in `tests/data`."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_SHARED = _ROOT.parent / "shared" / "protocol"
DATA = _SHARED if (_SHARED / "sse_vectors.json").exists() else _ROOT / "tests" / "data"


@dataclass(frozen=True)
class Case:
    """One recorded-shape response: its bytes, how they travel, what must come out."""

    name: str
    dialect: str
    server: str
    status: int
    headers: dict[str, str]
    abort: bool
    chunks: list[bytes]
    expected: dict[str, Any]
    request: dict[str, Any]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


def vector_chunks(vector: dict[str, Any]) -> list[bytes]:
    """Return the network chunks of a framing vector, generating those too long to be listed."""
    if "chunks_b64" in vector:
        return [base64.b64decode(chunk) for chunk in vector["chunks_b64"]]
    how = vector["generate"]
    whole = (how["prefix"] + how["unit"] * how["count"] + how["suffix"]).encode()
    return cut(whole, how["chunk"])


def vectors() -> list[dict[str, Any]]:
    return json.loads((DATA / "sse_vectors.json").read_text("utf-8"))


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def _after_cr(body: bytes) -> list[bytes]:
    pieces = body.split(b"\r")
    return [piece + b"\r" for piece in pieces[:-1]] + [pieces[-1]]


def _events(body: bytes) -> list[bytes]:
    for end in (b"\r\n\r\n", b"\n\n", b"\r\r"):
        if end in body:
            pieces = body.split(end)
            return [piece + end for piece in pieces[:-1]] + [pieces[-1]]
    return [body]


def chunked(body: bytes, chunking: dict[str, Any]) -> list[bytes]:
    """Cut a body the way its sidecar declares."""
    mode = chunking["mode"]
    if mode == "whole":
        chunks = [body]
    elif mode == "fixed":
        chunks = cut(body, chunking["size"])
    elif mode == "after_cr":
        chunks = _after_cr(body)
    elif mode == "events":
        chunks = _events(body)
    else:
        raise ValueError(mode)
    return [chunk for chunk in chunks if chunk]


def corpus(dialect: str | None = None) -> list[Case]:
    cases = []
    for sidecar in sorted((DATA / "corpus").glob("*.json")):
        facts = json.loads(sidecar.read_text("utf-8"))
        if dialect is not None and facts["dialect"] != dialect:
            continue
        body = sidecar.with_suffix(".sse").read_bytes()
        cases.append(
            Case(
                name=facts["case"],
                dialect=facts["dialect"],
                server=facts["server"],
                status=facts["http"]["status"],
                headers=facts["http"]["headers"],
                abort=facts["http"]["abort_before_end"],
                chunks=chunked(body, facts["chunking"]),
                expected=facts["expected"],
                request=facts["request"],
            )
        )
    return cases
