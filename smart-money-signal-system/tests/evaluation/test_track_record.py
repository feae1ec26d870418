from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from shared_events.errors import DataError
from signal_system.domain.rules import Rules
from signal_system.evaluation.track_record import judged, scored
from signal_system.evaluation.verify_command import app, kept
from signal_system.fold import Fold, FoldConfig
from signal_system.signal_store import SignalStore
from signal_system.storage.port import KeptForecast
from signal_system.storage.sqlite import SqliteStore
from signal_system.testing.day import Record
from signal_system.testing.events import book, member, price, status

HOUR = 3_600


def hours(count: int) -> list[Record]:
    """Return so many hours of three longs, with prices every ten minutes that rise and fall."""
    random = Random(1)
    records: list[Record] = [status(), *(member(each) for each in (1, 2, 3))]
    records += [book(each, 1, {"BTC": 5}) for each in (1, 2, 3)]
    for turn in range(6 * count):
        second = 600.0 * turn
        records += [status(second), price("BTC", 100 + random.uniform(-1, 1), second)]
    return records


def lived(folder: Path, count: int = 6) -> SqliteStore:
    """Return the store of a service that lived so many hours, all of them older than it keeps."""
    fold = Fold(FoldConfig(rules=Rules(min_voters=2, freshness_seconds=86_400, price_seconds=700)))
    store = SqliteStore.open(folder / "signals.db")
    signals = SignalStore(store)
    for position, record in enumerate(hours(count)):
        signals.add(position, fold.apply(position, record))
    store.commit(signals.checkpoint(fold.position, b"{}"))
    now = fold.state.now
    assert now is not None
    store.forget_before(now + timedelta(seconds=1), 1_000_000)
    return store


def test_forecasts_outlive_the_history_and_each_window_has_one(tmp_path: Path) -> None:
    store = lived(tmp_path)

    forecasts = list(judged(kept(store)))

    hourly = [each for each in forecasts if each.signal.horizon_seconds == HOUR]
    assert [each.signal.as_of.hour for each in hourly] == [12, 13, 14, 15, 16, 17]
    assert [each.open for each in hourly] == [False] * 5 + [True]
    assert not store.history("BTC", HOUR, limit=10, before=None)


def test_scores_follow_from_what_was_said_and_what_came_true(tmp_path: Path) -> None:
    forecasts = list(judged(kept(lived(tmp_path))))

    score = scored(forecasts, HOUR, "BTC")

    hourly = [each for each in forecasts if each.signal.horizon_seconds == HOUR]
    right = [each.signal.action == each.realised for each in hourly if each.realised]
    assert (score.forecasts, score.resolved, score.open, score.windows) == (6, 5, 1, 5)
    assert score.sides == 5
    assert score.hit_rate == sum(right) / 5
    assert score.base_hit_rate == pytest.approx(1 / 3)
    assert score.brier == score.base_brier == pytest.approx(2 / 3)
    assert score.skill is not None
    assert (score.skill.low, score.skill.mean, score.skill.high) == (0, 0, 0)
    assert sum(each.forecasts for each in score.bins) == 5
    assert scored(forecasts, HOUR, "ETH").brier is None


Forgery = Callable[[list[KeptForecast]], object]


def _better(forecasts: list[KeptForecast]) -> None:
    forged = forecasts[2].raw.replace(b'"calibrated":false', b'"calibrated":true')
    forecasts[2] = forecasts[2]._replace(raw=forged)


def _left_out(forecasts: list[KeptForecast]) -> None:
    del forecasts[2]


def _swapped(forecasts: list[KeptForecast]) -> None:
    outcomes = [each.outcome for each in forecasts if each.outcome]
    forecasts[2] = forecasts[2]._replace(outcome=outcomes[-1])


def _begun_later(forecasts: list[KeptForecast]) -> None:
    del forecasts[:2]


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (_better, "forecast 2 .* its hash is not that of its content"),
        (_left_out, "forecast 3 .* number 2 was to follow"),
        (_swapped, "forecast 2 .* the outcome kept with it is of another signal"),
        (_begun_later, "forecast 2 .* number 0 was to follow"),
    ],
)
def test_what_was_changed_left_out_or_swapped_is_named(
    forge: Forgery, said: str, tmp_path: Path
) -> None:
    forecasts: Sequence[KeptForecast] = list(kept(lived(tmp_path)))
    forged = list(forecasts)
    forge(forged)

    with pytest.raises(DataError, match=said):
        list(judged(forged))


def test_the_command_says_what_fits(tmp_path: Path) -> None:
    store = lived(tmp_path)
    count = len(list(kept(store)))
    store.close()

    result = CliRunner().invoke(app, ["--data", str(tmp_path)])

    assert result.exit_code == 0, result.output
    assert f"{count} forecasts: every hash and every score fits." in result.output


def test_what_is_folded_again_after_a_loss_of_power_is_kept_again(tmp_path: Path) -> None:
    store = lived(tmp_path)
    before = list(kept(store))

    store.forget_from(10)

    after = list(kept(store))
    assert after == [each._replace(outcome=None) for each in before[: len(after)]]
    assert len(after) < len(before)
