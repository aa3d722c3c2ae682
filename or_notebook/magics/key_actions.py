"""What `%key`, `%key set` and `%key forget` do."""

from __future__ import annotations

import getpass
import os
import warnings
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError, UsageError

from or_notebook.client.account import account
from or_notebook.client.endpoints import resolve
from or_notebook.client.keys import forget_key, keep_key, storage
from or_notebook.display.account_text import account_items, aligned
from or_notebook.magics.metadata import ask, with_key, without_key
from or_notebook.wire.errors import ChatError

if TYPE_CHECKING:
    from or_notebook.client.endpoints import Endpoint


def show(shell: Any, name: str | None) -> None:
    """Print where the key comes from and what the endpoint tells about it."""
    endpoint = with_key(shell, name)
    source: list[tuple[str, str | None]] = [
        ("Endpoint", endpoint.base_url),
        ("Key from", _source(endpoint)),
    ]
    if not endpoint.api_key:
        _print(aligned(source))
        return
    try:
        found = ask(endpoint, lambda client: account(client, endpoint))
    except ChatError:
        # Which key was refused is the first thing to know about it.
        _print(aligned(source))
        raise
    told = account_items(found) if found else [("Account", f"{endpoint.host} tells nothing of it")]
    _print(aligned([*source, *told]))


def set_key(shell: Any, name: str | None) -> None:
    """Ask for a key without showing it, and store it."""
    endpoint = without_key(shell, name)
    typed = _ask_hidden(f"Key for {endpoint.host} (not shown): ")
    if not typed.strip():
        _print("No key was given; nothing was changed.")
        return
    # Checks the key: a header must not break on its inside.
    checked = resolve(endpoint.base_url, typed)
    where = keep_key(endpoint.host, checked.api_key or "")
    if where == "keyring":
        _print(f"The key for {endpoint.host} is in this computer's keyring.")
    else:
        _print(
            f"The key for {endpoint.host} is kept for this kernel only: there is no keyring that "
            "can be used.\nFor a keyring: pip install keyring, and restart the kernel."
        )
    variable = _variable_in_use(endpoint)
    if variable:
        _print(f"But {variable} is set in the environment, and wins over it.")


def forget(shell: Any, name: str | None) -> None:
    """Remove the stored key."""
    endpoint = without_key(shell, name)
    removed = forget_key(endpoint.host)
    _print(
        f"The stored key for {endpoint.host} is removed."
        if removed
        else f"There is no stored key for {endpoint.host}."
    )
    variable = _variable_in_use(endpoint)
    if variable:
        _print(f"{variable} is still set in the environment.")


def _source(endpoint: Endpoint) -> str:
    if endpoint.key_source == "environment":
        return f"{_variable_in_use(endpoint)} in the environment"
    if endpoint.key_source == "keyring":
        stored = storage(endpoint.host)
        return "this computer's keyring" if stored == "keyring" else "%key set, in this kernel"
    if endpoint.key_source == "argument":
        return "an argument"
    variables = " or ".join(endpoint.known.key_variables)
    how = f"set {variables} or run %key set" if variables else "run %key set"
    return f"nowhere: {how}"


def _variable_in_use(endpoint: Endpoint) -> str | None:
    variables = endpoint.known.key_variables
    return next((name for name in variables if os.environ.get(name, "").strip()), None)


def _ask_hidden(prompt: str) -> str:
    try:
        with warnings.catch_warnings():
            # Without a terminal getpass would warn and then show what is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt)
    except (getpass.GetPassWarning, StdinNotImplementedError, EOFError):
        raise UsageError(
            "%key set: nobody can be asked here without showing the key.\n"
            "Set the key's variable in the environment before the kernel starts instead."
        ) from None


def _print(text: str) -> None:
    print(text)  # noqa: T201 - this is what the person asked to see
