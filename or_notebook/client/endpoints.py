"""Where a request goes and which key goes with it."""

from __future__ import annotations

import ipaddress
import os
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from or_notebook.wire.errors import ConfigurationError, ErrorDetail

OPENROUTER_URL = "https://openrouter.ai/api/v1"
KEY_VARIABLE = "OPENROUTER_API_KEY"
URL_VARIABLE = "OPENROUTER_BASE_URL"
DEFAULT_OPENROUTER_MODEL = "openrouter/auto"

KeySource = Literal["argument", "environment", "none"]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One base URL with its key; the key is left out of `repr` on purpose."""

    base_url: str
    api_key: str | None = None
    key_source: KeySource = "none"

    def __repr__(self) -> str:
        return f"Endpoint(base_url={self.base_url!r}, key_source={self.key_source!r})"

    @property
    def host(self) -> str:
        """The host name, for messages."""
        return urlsplit(self.base_url).hostname or self.base_url

    @property
    def is_openrouter(self) -> bool:
        """Whether this is OpenRouter itself."""
        return self.host == "openrouter.ai" or self.host.endswith(".openrouter.ai")

    def headers(self) -> dict[str, str]:
        """Return the request headers; identity encoding keeps proxies from buffering."""
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        if self.is_openrouter:
            headers["X-OpenRouter-Title"] = "or_notebook"
        return headers


def resolve(base_url: str | None = None, api_key: str | None = None) -> Endpoint:
    """Return the endpoint to use; explicit arguments win over the environment.

    The key in `OPENROUTER_API_KEY` goes to OpenRouter, to the address in `OPENROUTER_BASE_URL` and
    to this machine, nowhere else: a base URL in a shared notebook must not be able to collect it.
    Raises `ConfigurationError` for an address that is none, or if a needed key is missing.
    """
    configured = os.environ.get(URL_VARIABLE, "").strip() or OPENROUTER_URL
    url = _checked_url(base_url or configured)
    if api_key is not None:
        return Endpoint(base_url=url, api_key=_checked_key(api_key), key_source="argument")
    endpoint = Endpoint(base_url=url)
    local = is_loopback(endpoint.host)
    trusted = local or endpoint.is_openrouter or _same_host(url, configured)
    key = _checked_key(os.environ.get(KEY_VARIABLE, ""))
    if key and trusted:
        return Endpoint(base_url=url, api_key=key, key_source="environment")
    if local:
        return endpoint
    if key:
        raise ConfigurationError(
            ErrorDetail(
                kind="ConfigurationError",
                message=f"No key for {endpoint.host}: {KEY_VARIABLE} is sent to OpenRouter only.",
                phase="connect",
                hint=f"Pass api_key=…, or set {URL_VARIABLE} to this address in the environment.",
            )
        )
    raise ConfigurationError(
        ErrorDetail(
            kind="ConfigurationError",
            message=f"No key for {endpoint.host}: {KEY_VARIABLE} is not set.",
            phase="connect",
            hint=f"Set {KEY_VARIABLE} in the environment before the kernel starts, or run "
            f"import os, getpass; os.environ['{KEY_VARIABLE}'] = getpass.getpass()",
        )
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _same_host(one: str, other: str) -> bool:
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)


def _checked_key(key: str) -> str:
    """Return the key without white space around it; a header must not break on its inside."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            ErrorDetail(
                kind="ConfigurationError",
                message="The API key holds characters that no key has (spaces, line breaks, …).",
                phase="connect",
                hint="Copy the key again, without quotes or anything around it.",
            )
        )
    return key


def _checked_url(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(
            ErrorDetail(
                kind="ConfigurationError",
                message=f"Not an address of an endpoint: {url!r}",
                phase="connect",
                hint=f"Give one with scheme and path, such as {OPENROUTER_URL}",
            )
        )
    if parts.username or parts.password:
        raise ConfigurationError(
            ErrorDetail(
                kind="ConfigurationError",
                message="The base URL holds a user name or a password.",
                phase="connect",
                hint=f"Leave them out of it; the key goes into {KEY_VARIABLE} or api_key=…",
            )
        )
    return url.removesuffix("/chat/completions")
