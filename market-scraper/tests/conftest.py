"""What several tests need: a clock that stands, and the optional recordings."""

import os
from pathlib import Path

import pytest

from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON

_BESIDE_THE_REPOSITORY = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Where the recordings lie; the test is skipped where they do not."""
    folder = Path(os.environ.get("SMART_MONEY_DATA", _BESIDE_THE_REPOSITORY))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}: set SMART_MONEY_DATA")
    return folder
