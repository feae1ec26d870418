import os
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]
import pytest
from msgspec import json
from typer.testing import CliRunner

from shared_events.codec import encode
from shared_events.errors import ConfigError, DataError
from shared_events.journal import JournalWriter
from shared_events.testing.factories import NOON
from signal_system.ml.bars import Bars
from signal_system.ml.model_registry import ModelRegistry
from signal_system.testing.events import candle
from signal_system.testing.walk import BARS
from signal_system.training import train_regime
from signal_system.training.provenance import commit, origin
from signal_system.training.ways import CHALLENGERS

DATA = Path(os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[4] / "shared" / "data"))
CANDLES = DATA / "market" / "candles" / "binance_spot"

SHORT = ("--window-days", "60", "--refit-days", "15")


def a_file(path: Path, bars: Bars) -> Path:
    columns = {"open": bars.opens, "high": bars.highs, "low": bars.lows, "close": bars.closes}
    table = pd.DataFrame({"open_time": bars.opened, **columns, "volume": bars.volumes})
    table.to_parquet(path)
    return path


def run(*arguments: object) -> str:
    told = [str(argument) for argument in arguments]
    result = CliRunner().invoke(train_regime._app, told)  # noqa: SLF001 -- the command itself
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


class Assets(HTMLParser):
    """Notes whatever a page would load, and every tag left open."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "onload"}]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelRegistry, str]:
    """Return a registry after one run, and what was printed."""
    folder = tmp_path_factory.mktemp("run")
    path = a_file(folder / "btc.parquet", BARS)
    said = run("--data", path, "--registry", folder / "models", *SHORT)
    return ModelRegistry(folder / "models"), said


def test_the_command_registers_a_candidate_that_loads(trained: tuple[ModelRegistry, str]) -> None:
    registry, said = trained
    version = registry.aliases("regime-BTC").challenger
    assert version is not None

    loaded = registry.load("regime-BTC", version)

    assert version in said
    assert loaded.model.parameters.interval == "1h"
    assert loaded.manifest.trials == 5
    assert loaded.manifest.data_until - loaded.manifest.data[0].last == timedelta(hours=1)
    assert loaded.manifest.expires_at == loaded.manifest.data_until + timedelta(days=90)
    assert registry.aliases("regime-BTC").champion is None


def test_it_prints_every_way_and_every_gate(trained: tuple[ModelRegistry, str]) -> None:
    registry, said = trained
    manifest = registry.manifest("regime-BTC", registry.versions("regime-BTC")[0])

    assert all(name in said for name in ("jump model", *CHALLENGERS))
    assert all(f"gate {gate.name}" in said for gate in manifest.gates)
    assert "chosen among 5" in said
    assert ("models promote" in said) == manifest.passed


def test_the_report_is_one_page_that_loads_nothing(trained: tuple[ModelRegistry, str]) -> None:
    registry, _ = trained
    folder = registry.root / "regime-BTC" / registry.versions("regime-BTC")[0]
    page, assets = (folder / "report.html").read_text(), Assets()

    assets.feed(page)

    assert assets.loads == []
    assert assets.tags["svg"] == 2
    assert "<script" not in page
    for heading in ("States over price", "Transition matrix", "Lag to turning points", "lasted"):
        assert heading in page


def test_the_report_has_every_number_with_its_interval(trained: tuple[ModelRegistry, str]) -> None:
    registry, _ = trained
    folder = registry.root / "regime-BTC" / registry.versions("regime-BTC")[0]

    report = json.decode((folder / "report.json").read_bytes())

    assert set(report["ways"]) == {"jump model", *CHALLENGERS}
    assert report["variants_tried"] == 5
    for way in report["ways"].values():
        assert {"value", "low", "high"} == set(way["volatility_r2"])
        assert set(way["noticed"]) == {"20/20", "40/40", "100/50"}
        assert [held["delay_bars"] for held in way["held"]] == [1, 5]
    chosen, reported = report["chosen_on"], report["reported_on"]
    assert datetime.fromisoformat(chosen["to"]) < datetime.fromisoformat(reported["from"])


def test_the_same_file_gives_the_same_version(
    trained: tuple[ModelRegistry, str], tmp_path: Path
) -> None:
    registry, _ = trained
    path = a_file(tmp_path / "btc.parquet", BARS)

    run("--data", path, "--registry", tmp_path / "models", *SHORT)

    assert ModelRegistry(tmp_path / "models").versions("regime-BTC") == registry.versions(
        "regime-BTC"
    )


def test_a_journal_will_do(tmp_path: Path) -> None:
    told = [
        candle("ETH", n - len(BARS), round(float(close), 4), second=0)
        for n, close in enumerate(BARS.closes)
    ]
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append([encode(event) for event in told])

    said = run(
        *("--coin", "ETH", "--from-journal", tmp_path / "journal"),
        *("--registry", tmp_path / "models", *SHORT),
    )

    assert "6,000 bars of ETH" in said
    [version] = ModelRegistry(tmp_path / "models").versions("regime-ETH")
    last = ModelRegistry(tmp_path / "models").manifest("regime-ETH", version).data_until
    assert last == NOON


def test_a_day_is_a_bar_too(tmp_path: Path) -> None:
    path = a_file(tmp_path / "btc.parquet", BARS)

    said = run(
        *("--data", path, "--interval", "1d", "--registry", tmp_path / "models"),
        *("--window-days", "60", "--refit-days", "7"),
    )

    assert "250 bars of BTC, 1d" in said


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("--interval", "4h"), ConfigError, "1h or 1d"),
        (("--from-journal", "/nowhere"), ConfigError, "not both"),
        (("--fresh-within-days", "3"), DataError, "--fresh-within-days"),
        ((), DataError, "--window-days"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_change(
    tmp_path: Path, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    path = a_file(tmp_path / "btc.parquet", BARS)

    with pytest.raises(error, match=said):
        run("--data", path, "--registry", tmp_path / "models", *arguments)
    assert not (tmp_path / "models").exists()


def test_a_commit_is_known_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("")

    assert commit(tmp_path / "file.py") is None
    assert commit(tmp_path / "nowhere" / "file.py") is None
    known = origin().git_commit
    assert known is None or re.fullmatch(r"[0-9a-f]{12,40}(-dirty)?", known)


def test_help_teaches_by_example() -> None:
    said = run("--help")

    assert "signal-system models promote" in said
    assert "open_time" in said


@pytest.mark.data
@pytest.mark.skipif(not CANDLES.exists(), reason=f"no recordings at {DATA}")
def test_on_real_days_the_jump_model_dates_markets_about_as_well_as_the_band(
    tmp_path: Path,
) -> None:
    run(
        *("--data", CANDLES / "BTCUSDT_1d.parquet", "--interval", "1d"),
        *("--registry", tmp_path / "models"),
    )

    registry = ModelRegistry(tmp_path / "models")
    manifest = registry.manifest("regime-BTC", registry.versions("regime-BTC")[0])
    matthews = manifest.metrics["matthews_40/40"]
    assert matthews is not None
    assert 0.3 < matthews < 0.85
    assert not manifest.passed, "two states of days say nothing of the volatility ahead"
