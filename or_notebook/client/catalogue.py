"""The models that an endpoint offers."""

from __future__ import annotations

import difflib

import httpx
import msgspec

from or_notebook.client.endpoints import Endpoint

TIMEOUT = 3.0


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


async def model_ids(client: httpx.AsyncClient, endpoint: Endpoint) -> list[str]:
    """Return the identifiers that `GET /models` lists; empty if the endpoint does not tell."""
    headers = {**endpoint.headers(), "Accept": "application/json"}
    try:
        response = await client.get(
            f"{endpoint.base_url}/models", headers=headers, timeout=httpx.Timeout(TIMEOUT)
        )
        models = msgspec.json.decode(response.content, type=_Models)
    except (httpx.HTTPError, msgspec.MsgspecError):
        return []
    return [model.id for model in models.data]


def near_spellings(name: str, known: list[str], count: int = 3) -> list[str]:
    """Return the known names that look most like `name`, best first."""
    by_folded = {model.casefold(): model for model in known}
    wanted = name.casefold()
    close = difflib.get_close_matches(wanted, by_folded, n=count, cutoff=0.6)
    tail = wanted.rpartition("/")[2]
    for folded in by_folded:
        if len(close) < count and tail and tail in folded and folded not in close:
            close.append(folded)
    return [by_folded[folded] for folded in close]
