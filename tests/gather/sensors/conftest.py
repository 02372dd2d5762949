"""A disk that loses what was not synced, for the spool and for all that stands on it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The gateway that is killed runs in a process of its own and needs this disk too.
sys.path.insert(0, str(Path(__file__).parent))

from losing_disk import LosingDisk


@pytest.fixture
def losing_disk() -> LosingDisk:
    """A disk that writes nothing before it is told to sync."""
    return LosingDisk()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test-gateway` kills more often."""
    parser.addoption("--kills", type=int, default=None, help="how often the gateway is killed")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How often the gateway is killed."""
    return request.config.getoption("--kills", default=None) or 8
