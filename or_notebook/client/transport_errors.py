"""What an httpx exception means to a person."""

from __future__ import annotations

import socket
import ssl

import httpx

from or_notebook.client.endpoints import Endpoint, is_loopback
from or_notebook.wire.errors import ErrorDetail


def describe(error: httpx.HTTPError | httpx.InvalidURL, endpoint: Endpoint) -> ErrorDetail:
    """Return the facts of a failure before the first byte of an answer."""
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return ErrorDetail(
            kind="ConfigurationError",
            message=f"Not an address of an endpoint: {endpoint.base_url}",
            phase="connect",
            hint="Give one with scheme and path, such as https://openrouter.ai/api/v1",
        )
    message, meaning, hint, retry_safe = _words(error, endpoint)
    return ErrorDetail(
        kind="ConnectionFailed",
        message=message,
        phase="connect",
        meaning=meaning,
        hint=hint,
        retry_safe=retry_safe,
    )


def _words(
    error: httpx.HTTPError | httpx.InvalidURL, endpoint: Endpoint
) -> tuple[str, str | None, str, bool]:
    """Return message, meaning, hint, and whether another try can help."""
    host = endpoint.host
    causes = _causes(error)
    if isinstance(error, httpx.ProxyError):
        return (
            f"The proxy did not connect to {host}: {error}",
            "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is set in the environment.",
            f"Check the proxy, or add {host} to NO_PROXY, then restart the kernel.",
            True,
        )
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if tls is not None:
        return _tls_words(tls, host)
    if any(isinstance(cause, socket.gaierror) for cause in causes) or _is_name_error(error):
        return (
            f"The host {host} was not found.",
            "The name is misspelt, or this machine has no network.",
            "Check the base URL and the network, then run the cell again.",
            True,
        )
    if isinstance(error, httpx.ConnectTimeout):
        return (
            f"{host} did not accept a connection in time.",
            None,
            "Check the network and the base URL, then run the cell again.",
            True,
        )
    if isinstance(error, httpx.ConnectError):
        server = "Is the server running?" if is_loopback(host) else "Is the base URL right?"
        return f"{endpoint.base_url} refused the connection.", None, server, True
    return (
        f"The connection to {host} broke before an answer came.",
        str(error) or type(error).__name__,
        "Run the cell again.",
        True,
    )


def _tls_words(tls: ssl.SSLError, host: str) -> tuple[str, str | None, str, bool]:
    if isinstance(tls, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {host} was not accepted: {tls.verify_message}.",
            "A company proxy may re-sign connections, or the server signs its own certificate.",
            "Set SSL_CERT_FILE to the certificate authority's file and restart the kernel.",
            False,
        )
    return (
        f"No secure connection to {host}: {tls.reason or tls}.",
        None,
        "Check whether the address should begin with http:// rather than https://.",
        False,
    )


def _is_name_error(error: Exception) -> bool:
    """Recognise a failed look-up where the transport drops its cause."""
    text = str(error).casefold()
    return any(
        words in text
        for words in ("name or service not known", "nodename nor servname", "getaddrinfo failed",
                      "name resolution", "no address associated")
    )  # fmt: skip


def _causes(error: BaseException) -> list[BaseException]:
    """Return the exceptions behind this one; asyncio hides several in a group."""
    found: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or current in found:
            continue
        found.append(current)
        pending += [current.__cause__, current.__context__]
        pending += list(getattr(current, "exceptions", ()))
    return found
