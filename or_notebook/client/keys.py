"""Keys that were given by hidden prompt: in the OS keyring, or else in this kernel's memory."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from typing import Any, Literal

SERVICE = "or_notebook"
"""The name under which the OS keyring lists the keys; the user name is the host."""

Storage = Literal["keyring", "kernel"]

_of_this_kernel: dict[str, str] = {}
_from_keyring: dict[str, str] = {}


def stored_key(host: str) -> str | None:
    """Return the key that was stored for a host, if any; that of this kernel first.

    A locked or broken keyring counts as empty: the error about the missing key that follows names
    every place a key can come from.
    """
    known = _of_this_kernel.get(host) or _from_keyring.get(host)
    if known is not None or _keyring() is None:
        return known
    from keyring.errors import KeyringError  # type: ignore[import-not-found,unused-ignore]

    try:
        found = _keyring().get_password(SERVICE, host)
    except (KeyringError, RuntimeError):
        return None
    if not found:
        return None
    # Asking the keyring again for every cell would be slow, and some ask the person each time.
    _from_keyring[host] = str(found)
    return _from_keyring[host]


def storage(host: str) -> Storage | None:
    """Return where the key of a host is stored."""
    if stored_key(host) is None:
        return None
    return "kernel" if host in _of_this_kernel else "keyring"


def keep_key(host: str, key: str) -> Storage:
    """Store a key for a host in the OS keyring; if there is none, for this kernel only."""
    forget_key(host)
    keyring = _keyring()
    if keyring is not None:
        from keyring.errors import KeyringError  # type: ignore[import-not-found,unused-ignore]

        try:
            keyring.set_password(SERVICE, host, key)
        except (KeyringError, RuntimeError):
            # Locked or out of reach: the caller tells that the key is kept for this kernel only.
            _of_this_kernel[host] = key
            return "kernel"
        _from_keyring[host] = key
        return "keyring"
    _of_this_kernel[host] = key
    return "kernel"


def forget_key(host: str) -> bool:
    """Remove the stored key of a host everywhere; whether there was one."""
    found = _of_this_kernel.pop(host, None) is not None
    found |= _from_keyring.pop(host, None) is not None
    keyring = _keyring()
    if keyring is None:
        return found
    from keyring.errors import (  # type: ignore[import-not-found,unused-ignore]
        KeyringError,
        PasswordDeleteError,
    )

    try:
        keyring.delete_password(SERVICE, host)
    except PasswordDeleteError:
        return found  # it held none
    except (KeyringError, RuntimeError):
        return found
    return True


@lru_cache(maxsize=1)
def _keyring() -> Any:
    """Return the OS keyring's backend, or None where there is none.

    `keyring` gives its makeshift backends, such as `fail`, `null` and plain text files, a priority
    below 1.
    """
    if importlib.util.find_spec("keyring") is None:
        return None
    import keyring  # type: ignore[import-not-found,unused-ignore]
    from keyring.errors import KeyringError  # type: ignore[import-not-found,unused-ignore]

    try:
        backend: Any = keyring.get_keyring()
        usable = backend.priority >= 1
    except (KeyringError, RuntimeError):
        return None
    return backend if usable else None
