import json
from pathlib import Path
from typing import Any

import pytest

from market_scraper.errors import RecordingError
from market_scraper.recording.frames import frames_told, is_frames
from shared_events.payloads import Candle, MarketContext, SourceStatus, TradeFlow, TraderPositions
from shared_events.testing.factories import an_address

ALICE, BOB = an_address(1), an_address(2)
T0 = 1_790_000_000_000


def a_trade(ms: int, tid: int, size: str = "1.0") -> dict[str, Any]:
    return {
        "coin": "BTC",
        "side": "B",
        "px": "100.0",
        "sz": size,
        "time": ms,
        "tid": tid,
        "users": [ALICE, BOB],
    }


def a_frame(channel: str, data: Any) -> dict[str, Any]:
    return {"name": channel, "kind": "ws", "raw": json.dumps({"channel": channel, "data": data})}


def a_state(ms: int, size: str) -> dict[str, Any]:
    position = {"type": "oneWay", "position": {"coin": "BTC", "szi": size}}
    state = {"assetPositions": [position], "time": ms, "marginSummary": {"accountValue": "9.0"}}
    return a_frame("clearinghouseState", {"user": ALICE, "clearinghouseState": state})


def facts(tmp_path: Path, *lines: dict[str, Any]) -> list[Any]:
    (tmp_path / "frames.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return [told.fact for told in frames_told(tmp_path / "frames.jsonl")]


def books(told: list[Any], address: str) -> list[TraderPositions]:
    return [f for f in told if isinstance(f, TraderPositions) and f.address == address]


def test_without_a_state_the_start_is_unknown_and_no_change_is_claimed(tmp_path: Path) -> None:
    told = facts(tmp_path, a_trade(T0, 1), a_trade(T0 + 9, 2))

    first, second = books(told, BOB)
    assert not second.full
    assert (first.changes, second.changes) == ((), ())
    [held] = second.positions
    assert (str(held.size), held.quality) == ("-2.0", "unknown")


def test_a_state_anchors_and_later_trades_are_changes(tmp_path: Path) -> None:
    told = facts(tmp_path, a_trade(T0, 1), a_state(T0 + 60_000, "5.0"), a_trade(T0 + 120_000, 2))

    _, anchor, change = books(told, ALICE)
    assert (anchor.full, str(anchor.positions[0].size)) == (True, "5.0")
    assert (change.positions[0].quality, str(change.positions[0].size)) == ("derived", "6.0")
    assert [each.kind for each in change.changes] == ["increase"]


def test_what_is_held_of_a_coin_that_the_state_does_not_speak_of_stays_unknown(
    tmp_path: Path,
) -> None:
    elsewhere = a_trade(T0 + 120_000, 2) | {"coin": "xyz:XYZ100"}
    told = facts(tmp_path, a_trade(T0, 1), a_state(T0 + 60_000, "5.0"), elsewhere)

    last = books(told, ALICE)[-1]
    assert (last.full, last.changes) == (False, ())
    assert [(held.coin, held.quality) for held in last.positions] == [("xyz:XYZ100", "unknown")]


@pytest.mark.parametrize("coin", ["@107", "PURR/USDC", "#14880"])
def test_what_is_no_perpetual_is_no_position(tmp_path: Path, coin: str) -> None:
    told = facts(tmp_path, a_trade(T0, 1) | {"coin": coin})

    assert books(told, ALICE) == []


def test_a_trade_recorded_twice_counts_once(tmp_path: Path) -> None:
    told = facts(tmp_path, a_trade(T0, 1), a_trade(T0, 1))

    assert len(books(told, ALICE)) == 1
    assert [flow.trades for flow in told if isinstance(flow, TradeFlow)] == [1]


def test_a_frame_without_a_time_has_that_of_the_frame_before(tmp_path: Path) -> None:
    context = a_frame("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "7.0"}})
    told = facts(tmp_path, context, a_trade(T0, 1), a_trade(T0 + 5_000, 2), context)

    first, second = (fact for fact in told if isinstance(fact, MarketContext))
    assert (second.at - first.at).total_seconds() == 5


def test_frames_nobody_can_read_are_passed_over(tmp_path: Path) -> None:
    told = facts(
        tmp_path, a_trade(T0, 1), {"name": "x", "raw": "}{"}, a_trade(T0, 2) | {"px": "NaN"}
    )

    assert len(books(told, ALICE)) == 1


def test_a_recording_without_any_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="when"):
        facts(tmp_path, {"name": "pong", "raw": '{"channel":"pong"}'})


def test_only_jsonl_files_are_frames(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("hello")

    assert not is_frames(tmp_path)
    assert not is_frames(tmp_path / "note.txt")


@pytest.mark.data
def test_the_recorded_frames_are_told_in_time_order(recordings: Path) -> None:
    told = list(frames_told(recordings / "hyperliquid" / "recorded_frames"))
    kinds = {type(each.fact) for each in told}

    assert [each.at for each in told] == sorted(each.at for each in told)
    assert {Candle, MarketContext, SourceStatus, TradeFlow, TraderPositions} <= kinds
    trades = sum(each.fact.trades for each in told if isinstance(each.fact, TradeFlow))
    assert trades == 50 + 2 + 2
