from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from shared_events.codec import encode
from shared_events.journal import JournalWriter
from shared_events.payloads import Prediction
from shared_events.testing.factories import NOON
from signal_system.testing.candles import wandering
from signal_system.testing.events import Event, told
from signal_system.training.shadow import ENOUGH, Scored, contest, contested, evidence, losses

NAME = "direction-4h-BTC"
HOUR = timedelta(hours=1)
SURE = {"buy": 0.8, "sell": 0.1, "hold": 0.1}
UNSURE = {"buy": 1 / 3, "sell": 1 / 3, "hold": 1 / 3}


def test_without_a_difference_a_contest_is_hardly_ever_won_however_often_one_looks() -> None:
    random = np.random.default_rng(0)

    won = [evidence(random.normal(0, 0.3, 1_000).tolist()) >= ENOUGH for _ in range(400)]

    assert sum(won) / 400 <= 0.05


def test_a_difference_that_is_there_is_found() -> None:
    random = np.random.default_rng(1)

    won = [evidence(random.normal(0.08, 0.25, 400).tolist()) >= ENOUGH for _ in range(50)]

    assert sum(won) / 50 >= 0.9


@given(st.lists(st.floats(-5, 5), max_size=60), st.integers(0, 60))
def test_evidence_never_shrinks_as_blocks_are_added(gains: list[float], cut: int) -> None:
    assert 1 <= evidence(gains[:cut]) <= evidence(gains)


def scored(version: str, values: Sequence[float], every: timedelta = HOUR) -> list[Scored]:
    return [Scored(version, NOON + n * every, 4 * HOUR, value) for n, value in enumerate(values)]


def test_one_bar_of_each_window_counts_and_only_bars_that_both_answered_to() -> None:
    found = contest([*scored("old", [1.0] * 40), *scored("new", [0.5] * 20)], "old", "new")

    assert (found.blocks, found.champion_loss, found.challenger_loss) == (5, 1.0, 0.5)


def test_the_better_wins_and_the_worse_loses() -> None:
    old, new = scored("old", [1.2] * 60, 4 * HOUR), scored("new", [0.9] * 60, 4 * HOUR)

    assert contest([*old, *new], "old", "new").is_won
    assert contest([*old, *new], "new", "old").is_lost


def a_prediction(version: str, hour: int, close: float, said: dict[str, float]) -> Event:
    at = NOON + hour * HOUR
    data = Prediction(
        model=NAME,
        model_version=version,
        coin="BTC",
        at=at,
        horizon_seconds=14_400,
        features_hash="0",
        raw_probability=0.5,
        predicted="buy",
        calibrated_probabilities=said,
        bar_closed_at=at,
        reference_price=str(round(close, 4)),  # type: ignore[arg-type]  # pydantic reads it
        above=str(round(close * 1.001, 4)),  # type: ignore[arg-type]
        below=str(round(close * 0.5, 4)),  # type: ignore[arg-type]
    )
    return told(data, 3600 * hour)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return a recorded stretch in which the price nearly always rises a little, and one who knew."""
    records = list[Event]()
    for hour, candle in enumerate(wandering(0, 200)):
        records.append(candle)
        close = float(candle.data.close)
        records += [
            a_prediction("old", hour + 1, close, UNSURE),
            a_prediction("new", hour + 1, close, SURE),
        ]
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append([encode(record) for record in records])
    return tmp_path / "journal"


def test_a_contest_is_told_from_the_journal_alone(journal: Path) -> None:
    found = contested(journal, NAME, "old", "new")

    assert found.blocks == pytest.approx(49, abs=1)
    assert found.champion_loss == pytest.approx(np.log(3))
    assert found.challenger_loss is not None
    assert found.champion_loss is not None
    assert found.challenger_loss < found.champion_loss
    assert found.is_won


def test_predictions_of_other_models_do_not_count(journal: Path) -> None:
    assert contested(journal, "direction-1h-BTC", "old", "new").blocks == 0
    assert not list(losses([], NAME, {"old"}))
