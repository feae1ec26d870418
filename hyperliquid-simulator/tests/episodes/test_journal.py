from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from filecmp import dircmp
from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperliquid_simulator.accounts.styles import CONTEST, Style
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.episodes.journal import write
from hyperliquid_simulator.errors import ConfigError
from shared_events.envelope import StandardEvent
from shared_events.journal import decode_record, read, verify
from shared_events.payloads import MarketContext, Position, PositionChange, TraderPositions

DAYS = 12


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        seed=5,
        traders=60,
        coins=4,
        builder_coins=0,
        history_days=DAYS,
        start=datetime(2025, 3, 1, tzinfo=UTC),
        shares=CONTEST,
        tempo=1.0,
    )


@pytest.fixture(scope="module")
def folder(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated") / "journal"
    write(config, out)
    return out


def events(folder: Path) -> Iterator[StandardEvent[Any]]:
    for _, raw in read(folder):
        record = decode_record(raw)
        assert isinstance(record, StandardEvent)
        yield record


def books(folder: Path) -> Iterator[TraderPositions]:
    return (e.data for e in events(folder) if e.type == "trader_positions")


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    write(config, tmp_path / "again")
    write(replace(config, seed=6), tmp_path / "other")

    assert not dircmp(folder, tmp_path / "again").diff_files
    assert dircmp(folder, tmp_path / "other").diff_files


def test_nothing_is_overwritten_and_nothing_unfinished_is_left(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    with pytest.raises(ConfigError, match="exists"):
        write(config, folder)

    def interrupted(_day: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(config, tmp_path / "new", interrupted)

    assert before == {file.name: file.read_bytes() for file in folder.iterdir()}
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_named_and_kept(config: Config, tmp_path: Path) -> None:
    left = tmp_path / "new.unfinished"
    left.mkdir()

    with pytest.raises(ConfigError, match=r"new\.unfinished .*killed run left it there"):
        write(config, tmp_path / "new")

    assert left.is_dir()


def test_events_are_in_the_order_they_were_learned_and_never_before_they_happened(
    folder: Path,
) -> None:
    last = datetime(2000, 1, 1, tzinfo=UTC)
    seen = set()

    for event in events(folder):
        assert last <= event.recorded_at
        assert event.time <= event.recorded_at
        assert event.id not in seen
        last = event.recorded_at
        seen.add(event.id)

    assert verify(folder).next_position == len(seen)


def test_changes_chain_and_every_whole_book_agrees_with_them(folder: Path) -> None:
    held: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    sequence: dict[str, int] = {}
    whole = 0

    for told in books(folder):
        assert told.sequence > sequence.get(told.address, -1)
        sequence[told.address] = told.sequence
        mine = held[told.address]
        for change in told.changes:
            assert change.size_before == mine.get(change.coin, 0)
            mine[change.coin] = change.size_after
        known = {coin: size for coin, size in mine.items() if size}
        if told.full:
            whole += 1
            assert {position.coin: position.size for position in told.positions} == known
        else:
            assert all(p.size == mine[p.coin] for p in told.positions)

    assert whole >= 60 * DAYS


class Purse:
    """One account as a reader of the journal can keep it: money, and holdings by coin."""

    def __init__(self, resting_fee: Decimal) -> None:
        self.cash = Decimal(0)
        self.sizes: dict[str, Decimal] = {}
        self.fees = {Decimal(1): Decimal("0.00045"), Decimal(0): resting_fee}

    def trade(self, change: PositionChange) -> None:
        assert change.price is not None
        assert change.notional is not None
        assert change.taker_share is not None
        moved = change.size_after - change.size_before
        self.cash -= moved * change.price + change.notional * self.fees[change.taker_share]
        self.sizes[change.coin] = change.size_after

    def fund(self, told: MarketContext) -> None:
        held = self.sizes.get(told.coin)
        if held and told.mark is not None and told.funding is not None:
            self.cash -= held * told.mark * told.funding

    def worth(self, positions: tuple[Position, ...]) -> Decimal:
        assert {p.coin: p.size for p in positions} == {c: s for c, s in self.sizes.items() if s}
        return self.cash + sum((p.size * p.mark for p in positions if p.mark), Decimal(0))


def test_account_value_is_deposits_and_profit_less_fees_and_funding(folder: Path) -> None:
    styles = orjson.loads((folder / "truth.json").read_bytes())["accounts"]
    rebates = {a for a, told in styles.items() if told["style"] in {"maker", "provider"}}
    purses = {
        address: Purse(Decimal("-0.00003" if address in rebates else "0.00015"))
        for address, told in styles.items()
        if told["ranked"]
    }
    compared, moved = 0, Decimal(0)

    for event in sorted(events(folder), key=lambda e: (e.time, e.type == "trader_positions")):
        told = event.data
        if event.type == "account_flows":
            purses[told.address].cash += told.amount
        elif event.type == "market_contexts":
            for purse in purses.values():
                purse.fund(told)
        elif event.type == "trader_positions":
            purse = purses[told.address]
            for change in told.changes:
                purse.trade(change)
            if told.full and told.as_of.minute:  # funding is charged milliseconds after the hour
                assert purse.worth(told.positions) == pytest.approx(
                    told.account_value, abs=Decimal("0.02")
                )
                compared += 1
                moved += abs(purse.cash)

    assert compared > 50 * DAYS
    assert moved


def test_hourly_candles_are_whole_and_join(folder: Path) -> None:
    closes: dict[str, Decimal] = {}
    count = 0

    for event in events(folder):
        if event.type == "candles":
            candle = event.data
            assert candle.close_time - candle.open_time == timedelta(hours=1)
            assert candle.low <= min(candle.open, candle.close)
            assert candle.high >= max(candle.open, candle.close)
            assert closes.get(candle.coin, candle.open) == candle.open
            closes[candle.coin] = candle.close
            count += 1

    assert count == 4 * (24 * DAYS - 1)


def test_the_recording_declares_that_whole_books_come_once_a_day(folder: Path) -> None:
    told = [e.data for e in events(folder) if e.type == "source_status"]

    assert len(told) == 24 * DAYS
    assert {(s.recording, s.cadence_seconds, s.status) for s in told} == {(True, 86_400.0, "LIVE")}


def test_the_truth_names_everybody_and_no_event_tells_it(folder: Path) -> None:
    truth = orjson.loads((folder / "truth.json").read_bytes())
    tracked = {e.subject for e in events(folder) if e.type == "tracked_traders"}

    assert tracked <= truth["accounts"].keys()
    assert {a["style"] for a in truth["accounts"].values()} >= {"skilled", "copycat", "crowd"}
    raw = b"".join(record for _, record in read(folder))
    for word in (b"skilled", b"copycat", b"gambler", b"contrarian"):
        assert word not in raw


def test_liquidated_accounts_say_so_and_leave_the_roster(config: Config, tmp_path: Path) -> None:
    out = tmp_path / "risky"
    write(replace(config, shares={Style.GAMBLER: 0.5}, history_days=60, coins=3), out)
    truth = orjson.loads((out / "truth.json").read_bytes())["accounts"]
    died = {address for address, account in truth.items() if account["liquidated_at"]}

    forced = {t.address for t in books(out) for c in t.changes if c.liquidation}
    left = {e.subject for e in events(out) if e.type == "tracked_traders" and not e.data.tracked}
    assert died
    assert forced == died
    assert left & died
