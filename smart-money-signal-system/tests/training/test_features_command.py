"""The commands on made-up markets; the real ones are `test_features_on_real_candles`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from typer.testing import CliRunner

from shared_events.codec import encode
from shared_events.journal import JournalWriter
from signal_system import cli
from signal_system.ml.features.feed import told
from signal_system.ml.features.reference import markdown
from signal_system.ml.features.registry import SPECS, classifier, smart_money
from signal_system.ml.features.view import view
from signal_system.storage.served_features import ServedFeatures
from signal_system.testing.bars import walk
from signal_system.testing.events import book, candle, member, price
from signal_system.training.feature_table import OfflineFeatures

EVENTS = [
    member(1),
    *(
        event
        for hour in range(140)
        for event in (
            book(1, hour, {"BTC": hour % 5 - 2}, 3600 * hour),
            price("BTC", 100, 3600 * hour),
            candle("BTC", hour, 100 + hour % 7 + hour % 3),
            candle("ETH", hour, 10 + hour % 7),
        )
    ),
]


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    bars = walk(1, 2_000, flow=False)
    columns = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame({name: [getattr(bar, name) for bar in bars] for name in columns})
    frame.insert(0, "open_time", [bar.open_ms for bar in bars])
    frame.to_parquet(tmp_path / "walk.parquet")
    return tmp_path / "walk.parquet"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append([encode(event) for event in EVENTS])
    return tmp_path / "journal"


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, ["features", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_candles_become_a_file_that_decisions_are_joined_with(
    candles: Path, tmp_path: Path
) -> None:
    said = run("build", "--data", candles, "--coin", "BTC", "--out", tmp_path / "features")

    assert re.search(r"classifier_1h\s+BTC\s+[\d,]+\s+2,000 new", said)
    store, chosen = OfflineFeatures(tmp_path / "features"), view(classifier("1h"))
    rows = store.read(chosen, "BTC")
    decisions = pd.DataFrame({"coin": "BTC", "decision_time": rows["available_time"]})
    joined = store.get_historical(chosen, decisions)
    names = list(chosen.spec.names)
    assert joined[names].to_numpy().tobytes() == rows[names].to_numpy().tobytes()
    assert rows["trade_imbalance"].isna().all()


def test_a_journal_becomes_files_of_every_coin(journal: Path, tmp_path: Path) -> None:
    said = run("build", "--journal", journal, "--view", "smart_money", "--out", tmp_path / "out")

    assert re.search(r"smart_money_1h\s+BTC\s+140\s", said)
    store, chosen = OfflineFeatures(tmp_path / "out"), view(smart_money("1h"))
    assert store.coins(chosen) == ["BTC", "ETH"]
    values = store.read(chosen, "BTC")["net_exposure_all"]
    assert set(values.dropna()) == {-1.0, 1.0}


def test_a_build_of_one_coin_keeps_that_coin_alone(journal: Path, tmp_path: Path) -> None:
    run("build", "--journal", journal, "--coin", "ETH", "--view", "smart_money", "--out", tmp_path)

    assert OfflineFeatures(tmp_path).coins(view(smart_money("1h"))) == ["ETH"]


def test_the_list_names_every_column_and_what_was_built(candles: Path, tmp_path: Path) -> None:
    run("build", "--data", candles, "--coin", "BTC", "--view", "classifier", "--out", tmp_path)

    said = run("list", "--out", tmp_path)

    assert all(name in said for name in classifier("1h").names)
    assert f"classifier_1h {classifier('1h').hash[:16]}, built for: BTC" in said
    assert "regime_1h" in said
    assert run("list", "--markdown") == markdown()


def test_a_check_on_candles_passes_and_shows_how_warm_a_column_must_be(candles: Path) -> None:
    said = run("check", "--data", candles, "--coin", "BTC", "--view", "classifier")

    assert said.count(": ok") == 4
    assert re.search(r"price_to_ema_50\s+\d\.\de[+-]\d\d %", said)


def test_a_check_on_a_journal_covers_what_only_events_say(journal: Path) -> None:
    said = run("check", "--journal", journal, "--coin", "BTC", "--view", "smart_money")

    assert said.count(": ok") == 4


def test_an_audit_of_what_was_served_truly_ends_well(journal: Path, tmp_path: Path) -> None:
    served = ServedFeatures(tmp_path / "served")
    for row in told([spec("1h") for spec in SPECS.values()], EVENTS):
        served.write([row])

    said = run("audit", "--served", tmp_path / "served", "--journal", journal)

    assert re.search(r"smart_money_1h\s+280\s+0\s+100.0000%\s+none", said)


def test_an_audit_of_something_else_ends_with_code_1(journal: Path, tmp_path: Path) -> None:
    served = ServedFeatures(tmp_path / "served")
    for row in told([smart_money("1h")], EVENTS):
        _, _, values = row.row
        wrong = np.where(values == 1.0, np.float32(0.5), values)
        served.write([row._replace(row=row.row._replace(values=wrong))])

    said = run("audit", "--served", tmp_path / "served", "--journal", journal, code=1)

    assert "net_exposure_all" in said


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("build", "--interval", "7m"), "choose one of 1m, 5m"),
        (("build", "--view", "magic"), "choose one of classifier"),
        (("build", "--view", "regime", "--interval", "5m"), "bars of 1h or 1d"),
        (("build", "--data", "{candles}"), "--coin BTC"),
        (("build", "--journal", "{empty}"), "record some first"),
        (("check", "--data", "{candles}", "--interval", "1d"), "take a longer history"),
        (("audit", "--served", "{empty}", "--journal", "{empty}"), "name another folder"),
    ],
)
def test_what_cannot_be_done_says_what_to_change(
    arguments: tuple[str, ...],
    advice: str,
    candles: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"{candles}": str(candles), "{empty}": str(tmp_path / "empty")}
    given = [places.get(each, each) for each in arguments]
    monkeypatch.setattr("sys.argv", ["signal-system", "features", *given])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 78
    assert advice in capsys.readouterr().err


def test_the_service_does_not_import_what_learning_needs() -> None:
    code = "import json, sys, signal_system.cli; print(json.dumps(sorted(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout

    assert not {"pandas", "sklearn", "talib", "pyarrow"} & set(json.loads(said))
