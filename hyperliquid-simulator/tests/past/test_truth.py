from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.info import INFO
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError, RequestError
from hyperliquid_simulator.past.truth import truth_of, write_truth
from hyperliquid_simulator.world.world import World


@pytest.fixture
def truth(world: World, config: Config, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "truth.json"
    write_truth(truth_of(world.past, config), path)
    read: dict[str, Any] = orjson.loads(path.read_bytes())
    return read


def test_it_says_of_every_account_what_was_planted(world: World, truth: dict[str, Any]) -> None:
    assert truth["accounts"].keys() == world.population.by_address.keys()
    for trader in world.population.traders:
        told = truth["accounts"][trader.address]
        assert told["style"] == trader.style
        assert tuple(told["ic"].values()) == trader.ic
        if trader.follows:
            leader = world.population.traders[trader.follows.leader]
            assert (told["leader"], told["lag_minutes"]) == (
                leader.address,
                trader.follows.lag_minutes,
            )


def test_entities_are_those_the_venue_admits_to(world: World, truth: dict[str, Any]) -> None:
    for address, told in truth["accounts"].items():
        role = info.answer(world, {"type": "userRole", "user": address})
        if role["role"] == "subAccount":
            assert told["entity"] == role["data"]["master"] == told["master"]
        elif role["role"] == "user":
            assert told["entity"] == address


def test_regimes_begin_with_the_history_and_are_dated(
    config: Config, truth: dict[str, Any]
) -> None:
    for regimes in (truth["market"]["regimes"], *(c["regimes"] for c in truth["coins"].values())):
        starts = [regime["from"] for regime in regimes]
        assert starts[0] == truth["from"]
        assert starts == sorted(starts)
        assert starts[-1] < truth["to"]
    assert truth["parameters"]["seed"] == config.seed


@pytest.mark.parametrize("word", ["skilled", "copycat", "contrarian", "gambler", "perma_bull"])
def test_no_request_of_the_venue_tells_a_style(world: World, word: str) -> None:
    user = next(t.address for t in world.population.traders if t.style == word)
    for kind in INFO:
        asked = {"type": kind, "user": user, "coin": "BTC", "startTime": 0, "vaultAddress": user}
        try:
            answer = orjson.dumps(info.answer(world, asked))
        except RequestError:
            continue
        assert word.encode() not in answer


def test_a_truth_that_cannot_be_written_says_where(world: World, config: Config) -> None:
    with pytest.raises(ConfigError, match="--truth: cannot write"):
        write_truth(truth_of(world.past, config), Path("/nowhere/truth.json"))
