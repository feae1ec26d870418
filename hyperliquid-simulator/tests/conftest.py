"""A small venue: the same people, past and start in every test."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hyperliquid_simulator.app import running
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.world.world import World

START = datetime(2026, 11, 1, 0, 0, 7, 250_000, tzinfo=UTC)


@pytest.fixture
def config() -> Config:
    return Config(seed=7, traders=60, coins=4, history_days=5, start=START, flip_seconds=20.0)


@pytest.fixture
def world(config: Config) -> World:
    return World(config, config.start_ms)


@pytest.fixture
async def venue(config: Config) -> AsyncIterator[str]:
    """A venue with its limits, at real speed."""
    async with running(config) as base_url:
        yield base_url


@pytest.fixture
async def open_venue(config: Config) -> AsyncIterator[str]:
    """A venue without limits, thirty times faster than time."""
    async with running(replace(config, limits=False, speed=30.0)) as base_url:
        yield base_url


@pytest.fixture
def recordings() -> Path:
    """The optional folder of recorded payloads."""
    default = Path(__file__).parents[2].parent / "shared" / "data"
    found = Path(os.environ.get("SMART_MONEY_DATA", default)) / "hyperliquid"
    if not found.is_dir():
        pytest.skip("no recordings; set SMART_MONEY_DATA")
    return found
