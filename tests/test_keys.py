"""Stored keys: in the OS keyring if there is one, else in this kernel's memory."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from or_notebook.client import keys
from or_notebook.client.account import Account
from or_notebook.display.account_text import account_items, aligned

HOST = "models.example"
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


class KeyringError(Exception):
    pass


class PasswordDeleteError(KeyringError):
    pass


class Backend:
    """A keyring in memory, with the interface of the `keyring` package's backends."""

    priority = 5.0

    def __init__(self) -> None:
        self.passwords: dict[tuple[str, str], str] = {}
        self.locked = False
        self.reads = 0

    def get_password(self, service: str, user: str) -> str | None:
        self.reads += 1
        if self.locked:
            raise KeyringError("locked")
        return self.passwords.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        if self.locked:
            raise KeyringError("locked")
        self.passwords[service, user] = password

    def delete_password(self, service: str, user: str) -> None:
        if (service, user) not in self.passwords:
            raise PasswordDeleteError("no such password")
        del self.passwords[service, user]


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch):
    """Return a function that forgets what only a kernel's memory holds."""

    def forget() -> None:
        keys._keyring.cache_clear()
        monkeypatch.setattr(keys, "_of_this_kernel", {})
        monkeypatch.setattr(keys, "_from_keyring", {})

    forget()
    yield forget
    keys._keyring.cache_clear()


@pytest.fixture
def backend(monkeypatch):
    """A `keyring` package with a working backend."""
    backend = Backend()
    package, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    errors.KeyringError, errors.PasswordDeleteError = KeyringError, PasswordDeleteError
    package.get_keyring, package.errors = lambda: backend, errors
    monkeypatch.setitem(sys.modules, "keyring", package)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    monkeypatch.setattr(keys.importlib.util, "find_spec", lambda name: object())
    return backend


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr(keys.importlib.util, "find_spec", lambda name: None)


class TestWithKeyring:
    """The key outlives the kernel."""

    def test_key_is_found_by_the_next_kernel(self, backend, new_kernel):
        assert keys.keep_key(HOST, KEY) == "keyring"
        new_kernel()
        assert keys.stored_key(HOST) == KEY
        assert keys.storage(HOST) == "keyring"
        assert keys.stored_key("elsewhere.example") is None

    def test_keyring_is_asked_once(self, backend):
        backend.passwords["or_notebook", HOST] = KEY
        assert [keys.stored_key(HOST) for _ in range(3)] == [KEY] * 3
        assert backend.reads == 1

    def test_forgotten_key_is_gone_for_good(self, backend, new_kernel):
        keys.keep_key(HOST, KEY)
        assert keys.forget_key(HOST) is True
        assert keys.stored_key(HOST) is None
        assert backend.passwords == {}
        assert keys.forget_key(HOST) is False

    def test_locked_keyring_keeps_the_key_for_this_kernel(self, backend, new_kernel):
        backend.locked = True
        assert keys.stored_key(HOST) is None
        assert keys.keep_key(HOST, KEY) == "kernel"
        assert (keys.stored_key(HOST), keys.storage(HOST)) == (KEY, "kernel")

    @pytest.mark.parametrize("priority", [0, -1, 0.5], ids=["fail", "null", "plain text file"])
    def test_makeshift_backends_are_no_keyring(self, backend, new_kernel, priority):
        backend.priority = priority
        assert keys.keep_key(HOST, KEY) == "kernel"
        assert backend.passwords == {}


class TestWithoutKeyring:
    """The key lives as long as the kernel."""

    def test_key_is_kept_for_this_kernel_only(self, no_package, new_kernel):
        assert keys.keep_key(HOST, KEY) == "kernel"
        assert (keys.stored_key(HOST), keys.storage(HOST)) == (KEY, "kernel")
        new_kernel()
        assert keys.stored_key(HOST) is None

    def test_forget(self, no_package):
        keys.keep_key(HOST, KEY)
        assert keys.forget_key(HOST) is True
        assert keys.storage(HOST) is None

    def test_real_package_without_a_desktop_is_no_keyring(self, new_kernel, monkeypatch):
        pytest.importorskip("keyring")
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        import keyring.core

        monkeypatch.setattr(keyring.core, "_keyring_backend", None)
        assert keys.keep_key(HOST, KEY) == "kernel"


def test_account_is_told_in_aligned_lines():
    from decimal import Decimal

    account = Account(
        label="my notebook",
        limit=Decimal(10),
        limit_reset="monthly",
        limit_remaining=Decimal("7.5"),
        usage=Decimal("2.5"),
        usage_daily=Decimal("0.25"),
        usage_monthly=Decimal(1),
        is_free_tier=True,
        expires_at="2027-01-01T00:00:00Z",
        credits=Decimal(100),
        credits_used=Decimal("40.25"),
    )
    assert aligned(account_items(account)).splitlines() == [
        "Label         my notebook",
        "Limit         $10.00, reset monthly",
        "Remaining     $7.50",
        "Used          $2.50 ($0.25 today, $1.00 this month)",
        "Credits left  $59.75",
        "Free tier     yes: the limits for free models apply",
        "Expires       2027-01-01T00:00:00Z",
    ]


def test_account_without_facts_says_that_there_is_no_limit():
    assert aligned(account_items(Account())) == "Limit  none on this key"
