"""Fixtures that many tests share."""

import signal

import pytest

pytest_plugins = ["tests.support.sandbox"]


@pytest.fixture(scope="session", autouse=True)
def _interrupts():
    """Let SIGINT through, although a shell without job control starts processes deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep the person's own cache, where the catalogues of models lie, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
