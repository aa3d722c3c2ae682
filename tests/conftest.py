"""Fixtures that many tests share."""

import pytest

pytest_plugins = ["tests.support.sandbox"]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep the person's own cache, where the catalogues of models lie, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
