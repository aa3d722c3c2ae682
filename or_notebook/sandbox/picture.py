"""A small picture, drawn here so that no binary file is needed."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache

SIZE = 96
"""Width and height in pixels."""


@cache
def gradient_data_url() -> str:
    """Return a colour gradient as a PNG in a `data:` URL."""
    return "data:image/png;base64," + base64.b64encode(_png()).decode("ascii")


def _png() -> bytes:
    step = 255 // (SIZE - 1)
    rows = b"".join(
        b"\0" + bytes(value for x in range(SIZE) for value in (x * step, y * step, 160))
        for y in range(SIZE)
    )
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum
