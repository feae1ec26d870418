import csv
import os
from datetime import datetime, timedelta
from math import exp, sin
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json
from typer.testing import CliRunner

from shared_events.errors import DataError
from shared_events.testing.factories import NOON
from signal_system.config import read_regime_model
from signal_system.ml.regime_detection import MarketRegimeDetector, RegimeModel
from signal_system.training import train_regime
from signal_system.training.datasets import read_candles
from signal_system.training.regime_fit import Plan, fit, states

DATA = Path(os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[4] / "shared" / "data"))
DAILY = DATA / "market" / "candles" / "binance_spot" / "BTCUSDT_1d.parquet"

DAY = timedelta(days=1)
HEADER = ("timestamp_ms", "open", "high", "low", "close", "volume")


def waves(count: int) -> list[float]:
    """Return prices that rise and fall threefold, about once a year."""
    return [100 * exp(0.6 * sin(n / 60) + 0.02 * sin(n * 1.7)) for n in range(count)]


def a_file(path: Path, closes: list[float], step: timedelta = DAY) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n, close in enumerate(closes):
            ms = int((NOON + n * step).timestamp() * 1000)
            writer.writerow((ms, close, close, close, close, 1))
    return path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(train_regime._app, arguments)  # noqa: SLF001 -- the command itself
    assert result.exit_code == 0, result.output
    return result.output


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(50, 150), min_size=1, max_size=200),
    st.integers(2, 30),
    st.floats(0, 0.05),
)
def test_training_sees_the_states_that_the_service_would_have_had(
    closes: list[float], window: int, width: float
) -> None:
    detector = MarketRegimeDetector()
    model = RegimeModel(version="t", interval="1d", window=window, width=width)

    online = []
    for n, close in enumerate(closes):
        detector.close(NOON + n * DAY, close, model)
        online.append(detector.standing.state == "bull")

    assert states(closes, window, width) == online


def test_a_fold_chooses_by_nothing_that_came_after_it_began(tmp_path: Path) -> None:
    plan = Plan(swing=0.4, cost=0.001, folds=3)
    past = waves(1_600)
    whole = fit(read_candles(a_file(tmp_path / "a.csv", past)), plan)

    start = whole.folds[1].start
    changed = [*past[:start], *(200 - close / 2 for close in past[start:])]
    other = fit(read_candles(a_file(tmp_path / "b.csv", changed)), plan)

    assert other.folds[:2] == whole.folds[:2]


def test_the_command_writes_what_the_service_loads_and_says_what_it_is_worth(
    tmp_path: Path,
) -> None:
    candles, out = a_file(tmp_path / "btc.csv", waves(1_600)), tmp_path / "new" / "regime.json"

    said = run(str(candles), "--out", str(out))

    artefact = json.decode(out.read_bytes())
    assert read_regime_model(out).version == artefact["model"]["version"]
    assert artefact["bands_tried"] == 30
    assert artefact["sharpe_standard_error"] == pytest.approx(artefact["years_judged"] ** -0.5)
    assert f"{artefact['reference']['turns']} turns" in said
    assert set(artefact["metrics"]) == {
        "walk-forward",
        "published band",
        "always bull",
        "above a year ago",
    }
    assert all(name in said for name in artefact["metrics"])
    assert len(artefact["walk_forward"]) == 6
    assert artefact["data"]["bars"] == 1_600


def test_the_same_file_gives_the_same_artefact(tmp_path: Path) -> None:
    candles = a_file(tmp_path / "btc.csv", waves(1_600))

    written = []
    for name in ("one", "two"):
        run(str(candles), "--out", str(tmp_path / name))
        written.append((tmp_path / name).read_bytes())

    assert written[0] == written[1]


def test_help_teaches_by_example() -> None:
    said = run("--help")

    assert "SIGNAL_SYSTEM_REGIME_MODEL" in said
    assert "walk-forward" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "none of the columns"),
        ("timestamp_ms,open\n1,2\n", "none of the columns close"),
        ("time,close\n2026-01-01,1\n2026-01-01T00:10,1\n", "1 hour, 4 hours or 1 day apart"),
        ("time,close\n2026-01-01,1\n2026-01-02,-5\n", "above 0"),
        ("time,close\n2026-01-01,1\n2026-01-02,x\n", "above 0"),
        ("time,close\nyesterday,1\n", "a time cannot be read"),
        ("time,close\n1,1\n2,1\n", "neither seconds nor milliseconds"),
        ("", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "candles.csv"
    path.write_text(content)

    with pytest.raises(DataError, match=said):
        read_candles(path)


def test_too_few_bars_are_refused(tmp_path: Path) -> None:
    candles = a_file(tmp_path / "few.csv", waves(300))

    result = CliRunner().invoke(train_regime._app, [str(candles)])  # noqa: SLF001

    assert isinstance(result.exception, DataError)
    assert "1000 are needed" in str(result.exception)


def test_gaps_are_counted_and_repeated_bars_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    days = [NOON + n * DAY for n in (0, 1, 2, 5, 5, 3)]
    path.write_text(
        "time,close\n" + "\n".join(f"{day.isoformat()},{n + 1}" for n, day in enumerate(days))
    )

    candles = read_candles(path)

    assert candles.missing == 1
    assert candles.closes == (1.0, 2.0, 3.0, 6.0, 5.0)
    assert candles.opened[0] == datetime.fromisoformat("2026-01-01T12:00:00+00:00")


@pytest.mark.data
@pytest.mark.skipif(not DAILY.exists(), reason=f"no recordings at {DATA}")
def test_on_real_prices_the_published_band_is_as_good_as_it_is_said_to_be() -> None:
    fitted = fit(read_candles(DAILY), Plan(swing=0.4, cost=0.001))

    published = fitted.scores["published band"].matthews
    assert published is not None
    assert 0.4 < published < 0.75
    assert fitted.scores["always bull"].matthews is None
