import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from msgspec import json
from typer.testing import CliRunner

from shared_events.codec import encode
from shared_events.errors import ConfigError, DataError
from shared_events.journal import JournalWriter
from shared_events.testing.factories import NOON
from signal_system.ml.bars import Bars
from signal_system.ml.importances import Importances
from signal_system.ml.model_kinds import IMPORTANCES
from signal_system.ml.model_registry import ModelRegistry
from signal_system.testing.candles import wandering
from signal_system.testing.direction_walk import hours
from signal_system.training import train_features
from signal_system.training.classifiers import CHALLENGERS
from signal_system.training.direction_candidate import seen

DATA = Path(os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[4] / "shared" / "data"))
CANDLES = DATA / "market" / "candles" / "binance_spot"

NAME = "direction-2h-BTC"
SHORT = ("--window-days", "60", "--refit-days", "15", "--horizon", "2")


def table(bars: Bars) -> pd.DataFrame:
    columns = {"open": bars.opens, "high": bars.highs, "low": bars.lows, "close": bars.closes}
    return pd.DataFrame({"open_time": bars.opened, **columns, "volume": bars.volumes})


def a_file(path: Path, bars: Bars) -> Path:
    if path.suffix == ".csv":
        table(bars).to_csv(path, index=False)
    else:
        table(bars).to_parquet(path)
    return path


def run(*arguments: object) -> str:
    told = [str(argument) for argument in arguments]
    result = CliRunner().invoke(train_features._app, told)  # noqa: SLF001 -- the command itself
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelRegistry, str]:
    """Return a registry after one run, and what was printed."""
    folder = tmp_path_factory.mktemp("run")
    path = a_file(folder / "btc.parquet", hours(0.5))
    said = run("--data", path, "--registry", folder / "models", *SHORT)
    return ModelRegistry(folder / "models"), said


def version_of(registry: ModelRegistry) -> str:
    [version] = registry.versions(NAME)
    return version


def test_the_command_registers_a_challenger_that_loads_and_answers(
    trained: tuple[ModelRegistry, str],
) -> None:
    registry, said = trained
    version = version_of(registry)

    loaded = registry.load(NAME, version)

    assert registry.aliases(NAME).challenger == version
    assert registry.aliases(NAME).champion is None
    assert version in said
    assert loaded.model.parameters.horizon_seconds == 7_200
    assert loaded.model.graph is not None
    assert loaded.manifest.signature.features_hash == loaded.model.spec.hash
    assert loaded.manifest.expires_at == loaded.manifest.data_until + timedelta(days=30)
    assert loaded.manifest.origin.libraries.keys() >= {"xgboost"}
    assert loaded.manifest.trials >= 4


def test_it_prints_every_way_every_gate_and_what_to_remove(
    trained: tuple[ModelRegistry, str],
) -> None:
    registry, said = trained
    manifest = registry.manifest(NAME, version_of(registry))

    assert all(name in said for name in ("XGBoost", *CHALLENGERS))
    assert all(f"gate {gate.name}" in said for gate in manifest.gates)
    assert "no more than noise" in said
    assert "trade_imbalance" in said
    assert ("cannot be promoted" in said) == (not manifest.passed)


def test_what_is_too_good_to_be_true_cannot_be_promoted(trained: tuple[ModelRegistry, str]) -> None:
    registry, said = trained

    manifest = registry.manifest(NAME, version_of(registry))

    shut = {gate.name for gate in manifest.gates if not gate.passed}
    assert "too good: direction" in shut
    assert "cannot be promoted" in said


def test_the_report_is_one_page_that_loads_nothing(trained: tuple[ModelRegistry, str]) -> None:
    registry, _ = trained
    page = (registry.root / NAME / version_of(registry) / "report.html").read_text()

    assert page.count("<svg") == page.count("</svg>") == 4
    assert "<script" not in page
    assert not any(f"{name}=" in page for name in ("src", "href", "onload"))
    assert not any(each in page for each in ("nan", "inf<", "None"))
    for heading in ("against what is simple", "paid", "each column", "lasts", "How it was made"):
        assert heading in page


def test_the_report_says_everything_with_intervals(trained: tuple[ModelRegistry, str]) -> None:
    registry, _ = trained
    folder = registry.root / NAME / version_of(registry)

    report = json.decode((folder / "report.json").read_bytes())

    assert set(report["ways"]) == {"XGBoost", *CHALLENGERS}
    for way in report["ways"].values():
        assert {"value", "low", "high"} == set(way["log_loss"]) == set(way["gain"])
        assert set(way["reliability"]) == {"buy", "sell", "hold"}
    assert report["chosen_on"]["to"] < report["reported_on"]["from"]
    assert report["variants_tried"] >= 4


def test_the_importances_are_a_file_of_their_own(trained: tuple[ModelRegistry, str]) -> None:
    registry, _ = trained
    loaded = registry.load(NAME, version_of(registry))

    found = Importances.model_validate_json(loaded.files[IMPORTANCES])

    assert found == loaded.model.importances
    assert tuple(each.name for each in found.columns) == loaded.model.spec.names


def test_a_csv_of_the_same_bars_gives_the_same_model(
    trained: tuple[ModelRegistry, str], tmp_path: Path
) -> None:
    registry, _ = trained
    path = a_file(tmp_path / "btc.csv", hours(0.5))

    run("--data", path, "--registry", tmp_path / "models", *SHORT)

    again = ModelRegistry(tmp_path / "models")
    one, other = (each.manifest(NAME, version_of(each)).files for each in (registry, again))
    assert {file: one[file] for file in ("model.json", "model.ubj", "model.onnx")} == {
        file: other[file] for file in ("model.json", "model.ubj", "model.onnx")
    }


def test_a_journal_will_do(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append([encode(event) for event in wandering(5_200, 0, coin="ETH")])

    said = run(
        *("--coin", "ETH", "--from-journal", tmp_path / "journal"),
        *("--registry", tmp_path / "models", *SHORT),
    )

    assert "5,200 bars of ETH" in said
    [version] = ModelRegistry(tmp_path / "models").versions("direction-2h-ETH")
    manifest = ModelRegistry(tmp_path / "models").manifest("direction-2h-ETH", version)
    assert manifest.data_until == NOON
    assert not manifest.passed, "a price that wanders teaches nothing"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("--interval", "2h"), ConfigError, "one of 15m"),
        (("--interval", "4h", "--horizon", "1"), ConfigError, "shorter than a bar"),
        (("--features", "astrology"), ConfigError, "one of classifier"),
        (("--from-journal", "/nowhere"), ConfigError, "not both"),
        (("--fresh-within-days", "3"), DataError, "--fresh-within-days"),
        ((), DataError, "--window-days"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_change(
    tmp_path: Path, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    path = a_file(tmp_path / "btc.parquet", hours(0.5))

    with pytest.raises(error, match=said):
        run("--data", path, "--registry", tmp_path / "models", *arguments)
    assert not (tmp_path / "models").exists()


def test_bad_data_is_refused_and_it_is_said_which_rows(tmp_path: Path) -> None:
    frame = table(hours(0.5))
    frame.loc[[17, 44], "close"] = -1.0
    frame.to_csv(tmp_path / "bad.csv", index=False)

    with pytest.raises(DataError, match=r"row 17 .*row 44 "):
        run("--data", tmp_path / "bad.csv", "--registry", tmp_path / "models", *SHORT)
    assert not (tmp_path / "models").exists()


def test_help_teaches_by_example() -> None:
    said = run("--help")

    assert "signal-system models show" in said
    assert "open_time" in said
    assert "Expect little" in said


def test_how_a_column_was_seen_is_what_drift_is_measured_against() -> None:
    rows = np.array([[1.0, np.nan, 7.0], [2.0, np.nan, 7.0], [np.nan, np.nan, 7.0]], np.float32)
    rows = np.repeat(rows, 50, axis=0)

    mixed, unknown, constant = seen(("mixed", "unknown", "constant"), rows)

    assert mixed.missing == pytest.approx(1 / 3)
    assert sum(mixed.shares) == pytest.approx(1)
    assert mixed.edges == (1.5, 2.0)
    assert (unknown.edges, unknown.shares, unknown.missing) == ((), (), 1.0)
    assert (constant.edges, constant.shares) == ((), (1.0,))
