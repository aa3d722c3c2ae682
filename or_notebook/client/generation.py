"""What an answer cost, asked afterwards: `GET /generation` (PROTOCOL.md, section 4)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec

from or_notebook.client.endpoints import Endpoint

DELAYS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each try: the service writes its record some time after the end."""

TIMEOUT = 5.0


class _Generation(msgspec.Struct):
    data: dict[str, Any]


async def look_up(
    client: httpx.AsyncClient, endpoint: Endpoint, generation_id: str
) -> dict[str, Any] | None:
    """Return the service's record of one generation, or None if it does not give one in time."""
    headers = {**endpoint.headers(), "Accept": "application/json"}
    for delay in DELAYS:
        await asyncio.sleep(delay)
        try:
            response = await client.get(
                f"{endpoint.base_url}/generation",
                params={"id": generation_id},
                headers=headers,
                timeout=httpx.Timeout(TIMEOUT),
            )
        except httpx.HTTPError:
            continue
        if response.status_code in {401, 402}:
            return None
        if response.status_code == 200:
            try:
                return msgspec.json.decode(response.content, type=_Generation).data
            except msgspec.MsgspecError:
                return None
    return None
