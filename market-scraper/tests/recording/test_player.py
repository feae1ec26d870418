"""A live run against the simulator, recorded, and told again: the same books, the same bytes each time."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.config import Settings
from market_scraper.orchestration.lifecycle import running
from market_scraper.orchestration.scraper import Scraper
from market_scraper.positions.coins import MAIN_DEX, dex_of
from market_scraper.positions.roster import Member
from market_scraper.recording.notes import Note, Rules, encode_roster, encode_rules, notes
from market_scraper.recording.player import Player, notes_told
from market_scraper.recording.replay import envelopes, replay, taking, told
from market_scraper.recording.told import Told
from market_scraper.testing.foreign import Answer, foreign_running
from shared_events.codec import encode
from shared_events.journal import read
from shared_events.runtime.clock import ManualClock, SystemClock
from shared_events.testing.factories import NOON, an_address

ALICE, BOB = an_address(1), an_address(2)
NOON_US = int(NOON.timestamp()) * 1_000_000
RULES = Rules(("BTC",), 20, 900.0, 500, Decimal(1_000), 5.0, 4_000)


@dataclass(frozen=True)
class Recorded:
    """Two runs of a scraper in one folder, what its consumer was told, and how the venue ended."""

    folder: Path
    consumer: Any
    truth: dict[str, dict[str, Decimal]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, a_consumer: Callable[[], Any]) -> Recorded:
    return asyncio.run(_recorded(tmp_path_factory.mktemp("recorded"), a_consumer()))


async def _recorded(folder: Path, consumer: Any) -> Recorded:
    config = Config(seed=7, traders=60, coins=4, history_days=3, orders_per_second=60, limits=False)
    day = int(SystemClock().now().timestamp()) // 86_400 * 86_400
    async with foreign_running() as foreign, venue_running(config) as url:
        foreign.answers["/cbbi"] = [Answer(json.dumps({"Confidence": {str(day): 0.5}}).encode())]
        settings = Settings.read(
            exchange_url=url,
            storage_url=f"sqlite:///{folder}/store.db",
            bus_url="memory://unused",
            max_traders=30,
            least_account_value=0,
            candle_days=2,
            audit_seconds=10,
            weight_share=1,
            record_folder=folder / "recording",
            sources=("cbbi",),
            source_urls={"cbbi": f"{foreign.url}/cbbi"},
            allow_private_sources=True,
        )
        async with running(settings, consumer) as scraper:
            await until(lambda: anchored(scraper))
        async with aiohttp.ClientSession() as http, running(settings, consumer) as scraper:
            await until(lambda: anchored(scraper))
            await simulator(http, url, "fault", kind="drop_sockets", **{"for": 0.5})
            await simulator(http, url, "burst", trades=500)
            await until(lambda: scraper.positions.following.gaps_found > 0)
            await until(lambda: scraper.feed.ready and not scraper.sight().doubtful)
            await simulator(http, url, "pause")
            await until(lambda: not scraper.sight().doubtful)
            await asyncio.sleep(1.5)
            async with http.get(f"{url}/simulator/truth") as response:
                truth = (await response.json())["books"]
    books = {who: {c: Decimal(s) for c, s in book.items()} for who, book in truth.items()}
    return Recorded(folder / "recording", consumer, books)


def anchored(scraper: Scraper) -> bool:
    sight = scraper.sight()
    return 0 < sight.tracked == sight.anchored


async def simulator(http: aiohttp.ClientSession, url: str, what: str, **body: Any) -> None:
    async with http.post(f"{url}/simulator/{what}", json=body) as response:
        assert response.status == 200


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.05)


def believed(facts: Iterator[Told]) -> dict[str, dict[str, Decimal]]:
    """Return what a consumer of `facts` believes in the end."""
    books: dict[str, dict[str, Decimal]] = {}
    sequences: dict[str, int] = {}
    for _, fact, _ in facts:
        if fact.event_type == "trader_positions":
            assert fact.sequence > sequences.get(fact.address, -1)
            sequences[fact.address] = fact.sequence
            book = {} if fact.full else books.get(fact.address, {})
            book = book | {held.coin: held.size for held in fact.positions}
            books[fact.address] = {coin: size for coin, size in book.items() if size}
    return books


def main(book: dict[str, Decimal]) -> dict[str, Decimal]:
    """Return what is held on the venue's own exchange."""
    return {coin: size for coin, size in book.items() if dex_of(coin) == MAIN_DEX}


def bytes_of(path: Path) -> list[bytes]:
    return [encode(envelope) for envelope in envelopes(told(path))]


def test_a_recorded_run_is_told_again_byte_for_byte_the_same_each_time(
    recorded: Recorded,
) -> None:
    folder = recorded.folder

    first, second = bytes_of(folder), bytes_of(folder)

    assert first == second
    books = believed(told(folder))
    assert len(books) == 30
    assert books == recorded.consumer.books
    assert all(main(book) == recorded.truth.get(address, {}) for address, book in books.items())
    kinds = {fact.event_type for _, fact, _ in told(folder)}
    assert kinds == {
        *("tracked_traders", "trader_profiles", "leaderboard", "trader_positions", "candles"),
        *("market_contexts", "trade_flow", "source_status", "context_metrics", "trader_fills"),
    }
    moments = [at for at, _, _ in told(folder)]
    assert moments == sorted(moments)


def test_facts_keep_the_ids_they_had_live(recorded: Recorded) -> None:
    folder = recorded.folder
    live = {
        event.id
        for event in recorded.consumer.events
        if event.type in {"candles", "context_metrics"}
    }

    again = {e.id for e in envelopes(told(folder)) if e.type in {"candles", "context_metrics"}}

    assert again == live


async def test_a_replay_cut_anywhere_and_resumed_ends_with_the_same_bytes(
    recorded: Recorded, tmp_path: Path, clock: ManualClock
) -> None:
    folder = recorded.folder
    whole = bytes_of(folder)
    for cut in (1, len(whole) // 3, len(whole) - 1):
        journal = tmp_path / f"cut {cut}"
        for most in (cut, None):
            facts = (fact for n, fact in enumerate(told(folder)) if most is None or n < most)
            async with taking(None, journal, clock) as takers:
                await replay(facts, takers, clock)

        assert [raw for _, raw in read(journal)] == whole


async def test_the_speed_changes_when_not_what(
    recorded: Recorded, tmp_path: Path, clock: ManualClock
) -> None:
    folder = recorded.folder
    async with taking(None, tmp_path / "journal", clock) as takers:
        await replay(told(folder), takers, clock, speed=2)

    facts = list(told(folder))
    lasted = (facts[-1].at - facts[0].at).total_seconds()
    assert sum(clock.slept) == pytest.approx(lasted / 2)
    assert [raw for _, raw in read(tmp_path / "journal")] == bytes_of(folder)


def test_a_recording_whose_beginning_is_gone_is_told_from_the_next_key_on(
    recorded: Recorded,
) -> None:
    folder = recorded.folder
    kept = list(notes(folder))
    second_run = max(n for n, note in enumerate(kept) if note.kind == "begin")

    books = believed(notes_told(kept[second_run + 1 :]))

    assert books == recorded.consumer.books


def note(seconds: float, kind: Any, place: str = "", body: bytes = b"") -> Note:
    return Note(NOON_US + int(seconds * 1e6), kind, place, body)


def beginning() -> list[Note]:
    members = [Member(ALICE, Decimal(60), "leaderboard")]
    return [
        note(0, "begin"),
        note(0, "settings", body=encode_rules(RULES)),
        note(0, "roster", body=encode_roster(members)),
        note(0, "open", "0"),
        note(
            0, "sent", "0", b'{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}'
        ),
    ]


def trades(*times: int, replayed: bool = False) -> bytes:
    rows = [
        {
            "coin": "BTC",
            "side": "B",
            "px": "100.0",
            "sz": "1.0",
            "time": ms,
            "hash": "0x1",
            "tid": ms,
            "users": [ALICE, BOB],
        }
        for ms in times
    ]
    return json.dumps({"channel": "trades", "data": rows}).encode()


def a_state(ms: int, size: str) -> Note:
    held = {"coin": "BTC", "szi": size}
    body = {
        "assetPositions": [{"type": "oneWay", "position": held}],
        "marginSummary": {"accountValue": "10.0"},
        "time": ms,
    }
    request = json.dumps({"type": "clearinghouseState", "user": ALICE})
    return note(1.0, "answer", request, json.dumps(body).encode())


def positions(facts: list[Told]) -> list[tuple[float, str, Any]]:
    return [
        ((at - NOON).total_seconds(), fact.positions[0].coin, fact.positions[0].size)
        for at, fact, _ in facts
        if fact.event_type == "trader_positions"
    ]


def test_changes_are_gathered_for_as_long_as_live_and_told_when_that_is_over() -> None:
    ms = NOON_US // 1_000
    facts = list(
        notes_told(
            [
                *beginning(),
                note(0.5, "frame", "0", trades(ms)),
                a_state(ms + 500, "2.0"),
                note(1.5, "frame", "0", trades(ms + 1_400)),
                note(1.51, "frame", "0", trades(ms + 1_410)),
                note(2.0, "frame", "0", trades(ms + 1_900)),
            ]
        )
    )

    assert positions(facts) == [
        (1.02, "BTC", Decimal("2.0")),
        (1.52, "BTC", Decimal("4.0")),
        (2.0, "BTC", Decimal("5.0")),
    ]


def test_what_cannot_be_read_tells_nothing_and_what_we_do_not_know_is_left_alone() -> None:
    strange = [
        note(1, "frame", "0", b"Websocket connection established."),
        note(1, "frame", "0", b"\xff"),
        note(1, "frame", "0", b"{"),
        note(1, "answer", '{"type":"clearinghouseState","user":"0x1"}', b"null"),
        note(1, "answer", '{"type":"allMids"}', b"{}"),
        note(1, "page", "nobody", b"{}"),
        note(1, "page", "cbbi", b"<html>"),
        note(1, "close", "7"),
    ]

    facts = list(notes_told([*beginning(), *strange]))

    assert {fact.event_type for _, fact, _ in facts} <= {
        *("tracked_traders", "trader_profiles", "source_status"),
    }


def test_binance_is_told_again_as_it_was_told_live() -> None:
    ms = NOON_US // 1_000
    trade = {"e": "aggTrade", "s": "BTCUSDT", "a": 1, "p": "100", "q": "2", "m": False}
    frames = [
        {
            "stream": "btcusdt@depth20@500ms",
            "data": {"s": "BTCUSDT", "T": ms, "b": [["99", "1"]], "a": [["101", "1"]]},
        },
        {"stream": "btcusdt@aggTrade", "data": {**trade, "T": ms}},
        {"stream": "btcusdt@aggTrade", "data": {**trade, "T": ms + 5_000}},
    ]
    premium = {
        "symbol": "BTCUSDT",
        "markPrice": "101",
        "indexPrice": "100",
        "lastFundingRate": "0.0008",
        "time": ms,
    }
    kline = [ms - 7_200_000, "1", "2", "1", "1.5", "10", ms - 3_600_001, "1", 3, "1", "1", "0"]
    payment = {"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingTime": ms - 3_600_000}
    pages = {
        "binance /fapi/v1/fundingInfo": [{"symbol": "BTCUSDT", "fundingIntervalHours": 4}],
        "binance /fapi/v1/premiumIndex?symbol=BTCUSDT": premium,
        "binance /fapi/v1/openInterest?symbol=BTCUSDT": {
            "symbol": "BTCUSDT",
            "openInterest": "8",
            "time": ms,
        },
        "binance /fapi/v1/klines?symbol=BTCUSDT&interval=1h": [kline],
        "binance_funding": [payment],
    }
    recorded = [
        *beginning(),
        *(note(1, "page", "binance stream", json.dumps(frame).encode()) for frame in frames),
        *(note(1, "page", place, json.dumps(body).encode()) for place, body in pages.items()),
        note(1, "page", "binance stream", b"no frame at all"),
    ]

    told_of = {
        fact.event_type: (source, fact)
        for _, fact, source in notes_told(recorded)
        if source != "hyperliquid"
    }

    assert {kind: source for kind, (source, _) in told_of.items()} == {
        "trade_flow": "binance",
        "market_contexts": "binance",
        "candles": "binance",
        "context_metrics": "binance_funding",
    }
    context, bar = told_of["market_contexts"][1], told_of["trade_flow"][1]
    assert (context.coin, context.bid, context.funding) == (
        "binance:BTCUSDT",
        99,
        Decimal("0.0002"),
    )
    assert (bar.buy_volume, bar.tracked_share) == (2, None)


def test_nothing_is_told_before_it_is_known_by_which_settings() -> None:
    assert list(notes_told([note(0, "frame", "0", trades(NOON_US // 1_000))])) == []


def test_a_machine_that_slept_does_not_make_up_for_it() -> None:
    asleep = timedelta(hours=8).total_seconds()

    facts = list(notes_told([*beginning(), note(asleep, "frame", "0", b"{}")]))

    assert len([fact for _, fact, _ in facts if fact.event_type == "source_status"]) <= 2


def test_a_clock_that_was_set_back_does_not_turn_time_round() -> None:
    player = Player()
    times = [
        told.at
        for seconds in (0, 10, 3, 11, 30)
        for n in (beginning() if not seconds else [note(seconds, "frame", "0", b"{}")])
        for told in player.play(n)
    ]

    assert times == sorted(times)
