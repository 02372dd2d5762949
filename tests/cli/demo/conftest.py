"""The demonstration whole is for those who ask for it by its marker: it takes about a minute."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave a running demonstration to those who ask for it."""
    if "demo" in (config.getoption("-m") or ""):
        return
    skip = pytest.mark.skip(reason="the demonstration is run by: make test-demo")
    for item in items:
        if item.get_closest_marker("demo") is not None:
            item.add_marker(skip)
