"""The models that an endpoint offers: from the cache while it is fresh, else from the endpoint."""

from __future__ import annotations

import difflib
import time

import httpx

from or_notebook.client.catalogue_cache import Catalogue, Listing, fresh, remember, remembered
from or_notebook.client.endpoints import Endpoint
from or_notebook.client.lookup import TIMEOUT, get_json
from or_notebook.client.models import Model
from or_notebook.wire.errors import ChatError, ErrorDetail, ProtocolError

PATIENCE_WITH_ADVICE = 3.0
"""Seconds; a hint in an error message is not worth a longer wait."""

MOST_PAGES = 50


async def listing(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    *,
    refresh: bool = False,
    timeout: float = TIMEOUT,
) -> Listing:
    """Return the catalogue of an endpoint; `refresh` asks the endpoint in any case.

    If the endpoint fails, the stale catalogue is returned with the problem; without one the
    `ChatError` is raised. `timeout` is in seconds.
    """
    if not refresh and (known := fresh(endpoint.base_url)) is not None:
        return Listing(known)
    known = remembered(endpoint.base_url)
    try:
        models = await fetch(client, endpoint, timeout=timeout)
    except ChatError as error:
        if known is None:
            raise
        return Listing(known, error.detail)
    catalogue = Catalogue(models, time.time())
    remember(endpoint.base_url, catalogue)
    return Listing(catalogue)


async def fetch(
    client: httpx.AsyncClient, endpoint: Endpoint, *, timeout: float = TIMEOUT
) -> list[Model]:
    """Return all pages of `GET /models`; raises a `ChatError`."""
    first = httpx.URL(f"{endpoint.base_url}/models")
    found: dict[str, Model] = {}
    address, asked = first, set[str]()
    while str(address) not in asked and len(asked) < MOST_PAGES:
        asked.add(str(address))
        page = await get_json(client, endpoint, str(address), timeout=timeout)
        for model in _models(page):
            found.setdefault(model.id, model)
        address = _next_page(page, first)
    return list(found.values())


async def model_ids(client: httpx.AsyncClient, endpoint: Endpoint) -> list[str]:
    """Return the models' names; empty if the endpoint does not tell."""
    try:
        found = await listing(client, endpoint, timeout=PATIENCE_WITH_ADVICE)
    except ChatError:
        return []
    return found.catalogue.ids


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


def _models(page: object) -> list[Model]:
    """Return the models of one page; some servers send the bare list."""
    entries = page.get("data") if isinstance(page, dict) else page
    if not isinstance(entries, list):
        raise ProtocolError(
            ErrorDetail(
                kind="ProtocolError",
                message="The endpoint's answer to /models holds no list of models.",
                hint="Check the base URL: it usually ends in /v1.",
            )
        )
    return [
        Model.from_wire(entry)
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


def _next_page(page: object, first: httpx.URL) -> httpx.URL:
    """Return the address of the next page, or the first one if there is none.

    Only the query is taken from the link: the key must not follow it to another host, and behind
    a proxy the endpoint may not know its own address.
    """
    links = page.get("links") if isinstance(page, dict) else None
    link = links.get("next") if isinstance(links, dict) else None
    if not isinstance(link, str) or not link:
        return first
    try:
        return first.copy_with(query=httpx.URL(link).query)
    except httpx.InvalidURL:
        return first
