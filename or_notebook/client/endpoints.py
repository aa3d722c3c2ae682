"""Where a request goes and which key goes with it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any, Literal, NoReturn
from urllib.parse import urlsplit

import msgspec

from or_notebook.client.known_endpoints import KNOWN, OPENROUTER, KnownEndpoint, is_secret
from or_notebook.client.redaction import redact
from or_notebook.wire.errors import ConfigurationError, ErrorDetail

OPENROUTER_URL = OPENROUTER.base_url
KEY_VARIABLE = OPENROUTER.key_variable
URL_VARIABLE = "OPENROUTER_BASE_URL"
DEFAULT_OPENROUTER_MODEL = "openrouter/auto"

KeySource = Literal["argument", "environment", "keyring", "none"]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One base URL with its key and its quirks; the key is left out of `repr` on purpose."""

    base_url: str
    api_key: str | None = None
    key_source: KeySource = "none"
    key_variable: str = ""
    known: KnownEndpoint = msgspec.field(default_factory=KnownEndpoint)

    def __repr__(self) -> str:
        return f"Endpoint(base_url={self.base_url!r}, key_source={self.key_source!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Leave out the key where rich prints this."""
        return [("base_url", self.base_url), ("key_source", self.key_source)]

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a file or another process would get the key."""
        raise TypeError("An endpoint holds a key, which is not pickled.")

    @property
    def host(self) -> str:
        """The host name, for messages."""
        return urlsplit(self.base_url).hostname or self.base_url

    @property
    def is_openrouter(self) -> bool:
        """Whether this is OpenRouter itself."""
        return self.host == "openrouter.ai" or self.host.endswith(".openrouter.ai")

    @property
    def secrets(self) -> list[str]:
        """What must never be shown: the key, and headers of one's own that hold one."""
        own = [value for name, value in self.known.headers.items() if is_secret(name)]
        return [secret for secret in (self.api_key, *own) if secret]

    def headers(self) -> dict[str, str]:
        """Return the request headers; identity encoding keeps proxies from buffering."""
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        if self.is_openrouter:
            headers["X-OpenRouter-Title"] = "or_notebook"
        return {**headers, **self.known.headers}


def resolve(
    base_url: str | None = None,
    api_key: str | None = None,
    endpoint: str | None = None,
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> Endpoint:
    """Return the endpoint to use; explicit arguments win over the environment.

    `endpoint` is a name, known here or in `own`, or an address. A key from the environment goes to
    the endpoint it is named after, to the address in `OPENROUTER_BASE_URL` and to this machine,
    nowhere else: an address in a shared notebook must not be able to collect it. Raises
    `ConfigurationError` for an address or a name that is none, or if a needed key is missing.
    """
    known = _known(base_url, endpoint, own or {})
    url = _checked_url(known.base_url)
    if api_key is not None:
        key = _checked_key(api_key)
        return Endpoint(base_url=url, api_key=key, key_source="argument", known=known)
    found = Endpoint(base_url=url, key_variable=known.key_variable, known=known)
    for variable in known.key_variables:
        key = _checked_key(os.environ.get(variable, ""))
        if key:
            return Endpoint(
                base_url=url,
                api_key=key,
                key_source="environment",
                key_variable=variable,
                known=known,
            )
    stored = _stored_key(found.host)
    if stored:
        return Endpoint(base_url=url, api_key=stored, key_source="keyring", known=known)
    if is_loopback(found.host):
        return found
    raise _missing_key(found)


def _known(
    base_url: str | None, endpoint: str | None, own: Mapping[str, Mapping[str, Any]]
) -> KnownEndpoint:
    """Return what is known of the endpoint that the arguments or the environment name."""
    name = endpoint or ""
    if not base_url and name in own:
        return _own_endpoint(name, own[name])
    if not base_url and name in KNOWN:
        return KNOWN[name]
    if not base_url and name and "://" not in name:
        raise ConfigurationError(
            ErrorDetail(
                kind="ConfigurationError",
                message=f"There is no endpoint {redact(name, None)!r}.",
                phase="connect",
                hint=f"Use an address, or one of: {', '.join([*own, *KNOWN])}.",
            )
        )
    configured = os.environ.get(URL_VARIABLE, "").strip() or OPENROUTER_URL
    url = base_url or name or configured
    by_host = next((entry for entry in KNOWN.values() if _same_remote_host(entry, url)), None)
    found = msgspec.structs.replace(by_host or KnownEndpoint(), base_url=url)
    if _same_host(url, configured) or is_loopback(_host(url)):
        # The address that the person configured, or the person's own machine.
        variables = (KEY_VARIABLE, *(v for v in found.key_variables if v != KEY_VARIABLE))
        return msgspec.structs.replace(found, key_variables=variables)
    return found


def _own_endpoint(name: str, fields: Mapping[str, Any]) -> KnownEndpoint:
    settings = dict(fields)
    variable = settings.pop("key_variable", None)
    if variable:
        settings["key_variables"] = (variable,)
    try:
        own = msgspec.convert(settings, KnownEndpoint)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            ErrorDetail(
                kind="ConfigurationError",
                message=f"The endpoint {name!r} in ChatMagics.endpoints is not right: {error}",
                phase="connect",
                hint="It takes base_url, key_variable, headers and include_usage.",
            )
        ) from None
    for header, value in own.headers.items():
        if not f"{header}{value}".isascii() or not f"{header}{value}".isprintable():
            raise ConfigurationError(
                ErrorDetail(
                    kind="ConfigurationError",
                    message=f"The header {header!r} of {name!r} cannot be sent as it is.",
                    phase="connect",
                    hint="Use ASCII letters, digits and signs, without line breaks.",
                )
            )
    return own


def _stored_key(host: str) -> str | None:
    from or_notebook.client.keys import stored_key

    return stored_key(host)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _same_host(one: str, other: str) -> bool:
    try:
        first, second = urlsplit(one), urlsplit(other)
    except ValueError:
        return False
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)


def _same_remote_host(known: KnownEndpoint, url: str) -> bool:
    """Tell whether an address is a known service; a port of this machine may be anybody's."""
    return not is_loopback(_host(url)) and _same_host(known.base_url, url)


def _missing_key(endpoint: Endpoint) -> ConfigurationError:
    variables = endpoint.known.key_variables
    if not variables:
        message = f"No key for {endpoint.host}: {KEY_VARIABLE} is sent to OpenRouter only."
        hint = f"Pass api_key=… in Python, run %key set, or set {URL_VARIABLE} to this address."
    else:
        message = f"No key for {endpoint.host}: {variables[0]} is not set."
        hint = f"Run %key set, or set {variables[0]} before the kernel starts."
    return ConfigurationError(
        ErrorDetail(kind="ConfigurationError", message=message, phase="connect", hint=hint)
    )


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
                message=f"Not an address of an endpoint: {redact(url, None)!r}",
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
