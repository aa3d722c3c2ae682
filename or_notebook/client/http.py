"""The one HTTP client: connections and the TLS context live across cells."""

from __future__ import annotations

import ssl

import httpx

from or_notebook import __version__

CONNECT_TIMEOUT = 15.0


def trust() -> ssl.SSLContext:
    """Return a TLS context that trusts the system's store and certifi's list.

    The system's store holds the authority of a company's proxy; certifi's list helps where the
    system has none. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace both, as everywhere.
    """
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def new_client() -> httpx.AsyncClient:
    """Return a client for one event loop.

    No read timeout: `client.clocks` does better. No limit on connections: a comparison opens one
    per model. Redirects are not followed: a POST would lose its body, or its key to another host.
    """
    return httpx.AsyncClient(
        verify=trust(),
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
        headers={"User-Agent": f"or_notebook/{__version__}"},
        follow_redirects=False,
    )
