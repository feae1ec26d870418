"""The panel, first on one that is written here, then on the recorded one."""

from collections import defaultdict
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from market_scraper.errors import RecordingError
from market_scraper.moments import milliseconds, moment
from market_scraper.recording.panel import Panel, is_panel
from market_scraper.recording.told import Told
from shared_events.codec import decode, encode
from shared_events.envelope import event
from shared_events.payloads import MarketContext, SourceStatus, TrackedTrader, TraderPositions
from shared_events.testing.factories import an_address

ALICE, BOB = an_address(1), an_address(2)
FIRST, SECOND, THIRD = 1_770_000_000_000, 1_770_010_000_000, 1_770_020_000_000


def a_wallet(ms: int, address: str = ALICE, **fields: Any) -> dict[str, Any]:
    given = {
        "snapshot_ms": ms,
        "cohort": "daily",
        "rank": 0,
        "address": address,
        "display_name": None,
        "account_value": 50_000.0,
        "pnl": 500.0,
        "roi": 0.01,
        "volume": 90_000.0,
        "n_positions": 1,
    }
    return given | fields


def a_position(ms: int, address: str = ALICE, **fields: Any) -> dict[str, Any]:
    given = {
        "snapshot_ms": ms,
        "address": address,
        "coin": "BTC",
        "direction": "Long",
        "size": 0.5,
        "entry_px": 80_000.0,
        "leverage": 10.0,
        "position_value": 41_000.0,
        "unrealized_pnl": 1_000.0,
        "liquidation_px": None,
    }
    return given | fields


def panel(folder: Path, wallets: list[dict[str, Any]], positions: list[dict[str, Any]]) -> Panel:
    pq.write_table(pa.Table.from_pylist(wallets), folder / "traders.parquet")
    pq.write_table(pa.Table.from_pylist(positions), folder / "positions.parquet")
    return Panel(folder)


def books(told: list[Told]) -> dict[tuple[int, str], TraderPositions]:
    return {
        (fact.sequence, fact.address): fact
        for _, fact, _ in told
        if isinstance(fact, TraderPositions)
    }


def test_changes_are_told_against_the_traders_last_snapshot(tmp_path: Path) -> None:
    told = list(
        panel(
            tmp_path,
            [a_wallet(FIRST), a_wallet(SECOND)],
            [a_position(FIRST), a_position(SECOND, direction="Short", size=0.25)],
        ).told()
    )

    first, second = books(told)[FIRST, ALICE], books(told)[SECOND, ALICE]
    assert (first.full, first.changes) == (True, ())
    [change] = second.changes
    assert (change.kind, change.cause) == ("flip", "replay")
    assert change.size_before == Decimal("0.5")
    assert change.size_after == Decimal("-0.25")


def test_a_wallet_without_positions_is_flat_and_an_absent_one_is_unknown(tmp_path: Path) -> None:
    told = list(
        panel(
            tmp_path,
            [a_wallet(FIRST), a_wallet(FIRST, BOB), a_wallet(SECOND, n_positions=0)],
            [a_position(FIRST), a_position(FIRST, BOB)],
        ).told()
    )

    known = books(told)
    assert known[SECOND, ALICE].positions == ()
    assert [change.kind for change in known[SECOND, ALICE].changes] == ["close"]
    assert (SECOND, BOB) not in known
    left = [f for _, f, _ in told if isinstance(f, TrackedTrader) and not f.tracked]
    assert [(fact.address, fact.reason) for fact in left] == [(BOB, "no longer on the leaderboard")]


def test_every_fact_is_told_at_its_snapshot_and_knows_nothing_later(tmp_path: Path) -> None:
    wallets = [a_wallet(ms, pnl=float(ms % 7)) for ms in (FIRST, SECOND, THIRD)]
    whole = panel(tmp_path, wallets, [a_position(ms) for ms in (FIRST, SECOND, THIRD)])
    facts = list(whole.told())
    cut = tmp_path / "cut"
    cut.mkdir()
    start = panel(cut, wallets[:2], [a_position(ms) for ms in (FIRST, SECOND)])

    until_second = [
        told for told in facts if told.at <= moment(SECOND) and not is_status(told.fact)
    ]

    assert [at for at, _, _ in facts] == sorted(at for at, _, _ in facts)
    assert until_second == [told for told in start.told() if not is_status(told.fact)]


def is_status(fact: Any) -> bool:
    return isinstance(fact, SourceStatus)


def test_the_cadence_is_the_median_distance(tmp_path: Path) -> None:
    told = panel(tmp_path, [a_wallet(ms) for ms in (FIRST, SECOND, THIRD)], [a_position(FIRST)])

    status = next(fact for _, fact, _ in told.told() if isinstance(fact, SourceStatus))

    assert (status.recording, status.cadence_seconds) == (True, 10_000)


def test_a_mark_is_derived_from_what_positions_are_worth(tmp_path: Path) -> None:
    told = panel(
        tmp_path,
        [a_wallet(FIRST), a_wallet(FIRST, BOB), a_wallet(FIRST, an_address(3))],
        [
            a_position(FIRST),
            a_position(FIRST, BOB, position_value=41_010.0),
            a_position(FIRST, an_address(3), position_value=99_000.0),
        ],
    ).told()

    [context] = [fact for _, fact, _ in told if isinstance(fact, MarketContext)]

    assert context.mark == Decimal(82_020)


@pytest.mark.parametrize(
    "wrong", [{"direction": "Sideways"}, {"size": 0.0}, {"size": float("nan")}]
)
def test_a_position_that_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    told = panel(tmp_path, [a_wallet(FIRST)], [a_position(FIRST, **wrong)]).told()

    with pytest.raises(RecordingError):
        list(told)


def test_a_folder_without_the_files_is_no_panel(tmp_path: Path) -> None:
    assert not is_panel(tmp_path)


@pytest.mark.data
def test_every_position_of_the_recorded_panel_is_told(recordings: Path) -> None:
    folder = recordings / "market" / "hyperliquid" / "whale_panel_202602"
    recorded = Panel(folder)
    until = recorded.snapshots[8]
    times = pq.read_table(folder / "positions.parquet")["snapshot_ms"].to_pylist()
    count = 0
    newest: defaultdict[str, int] = defaultdict(lambda: -1)
    for told in takewhile(lambda told: told.at <= moment(until), recorded.told()):
        if isinstance(told.fact, TraderPositions):
            count += len(told.fact.positions)
            assert told.fact.sequence > newest[told.fact.address]
            newest[told.fact.address] = told.fact.sequence

    assert len(recorded.snapshots) == 69
    assert recorded.cadence_seconds == pytest.approx(3.5 * 3600, rel=0.01)
    assert count == sum(ms <= until for ms in times)


@pytest.mark.data
def test_the_recorded_panel_comes_back_from_its_events(recordings: Path) -> None:
    folder = recordings / "market" / "hyperliquid" / "whale_panel_202602"
    recorded = Panel(folder)
    until = moment(recorded.snapshots[3])
    rows = pq.read_table(folder / "positions.parquet").to_pylist()
    told: dict[tuple[int, str], dict[str, float]] = {}
    moved: dict[str, dict[str, Decimal]] = {}
    for each in takewhile(lambda each: each.at <= until, recorded.told()):
        if not isinstance(each.fact, TraderPositions):
            continue
        fact = decode(
            encode(event(each.fact, source="panel", time=each.at, recorded_at=each.at))
        ).data
        held = {position.coin: position.size for position in fact.positions}
        told[milliseconds(fact.as_of), fact.address] = {
            coin: float(size) for coin, size in held.items()
        }
        if fact.address in moved:
            for change in fact.changes:
                assert moved[fact.address].pop(change.coin, Decimal(0)) == change.size_before
                moved[fact.address] |= {change.coin: change.size_after} if change.size_after else {}
            assert moved[fact.address] == held
        moved[fact.address] = held

    expected: defaultdict[tuple[int, str], dict[str, float]] = defaultdict(dict)
    for row in rows:
        if row["snapshot_ms"] <= milliseconds(until):
            sign = 1 if row["direction"] == "Long" else -1
            expected[row["snapshot_ms"], row["address"].lower()][row["coin"]] = sign * row["size"]
    assert {key: book for key, book in told.items() if book} == {
        key: pytest.approx(book, rel=1e-12) for key, book in expected.items()
    }
