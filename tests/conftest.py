"""Fixtures that many tests share."""

pytest_plugins = ["tests.support.sandbox"]
