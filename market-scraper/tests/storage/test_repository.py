"""What every store must do."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from market_scraper.positions.identity import Identity
from market_scraper.positions.roster import Member, Overrides
from market_scraper.storage.failover import FailoverRepository
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.mongo import MongoRepository
from market_scraper.storage.repository import Repository
from market_scraper.storage.sqlite import SqliteRepository
from market_scraper.storage.tables import (
    LEADERBOARD,
    METRICS,
    POSITIONS,
    SNAPSHOTS,
    HeldRow,
    MetricRow,
    SnapshotRow,
    StandingRow,
    superseded,
)
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON, an_address

ALICE, BOB, VAULT = an_address(1), an_address(2), an_address(3)
HOUR = 3_600_000


def held(at_ms: int, size: str = "1.50", address: str = ALICE, coin: str = "BTC") -> HeldRow:
    return HeldRow(address, coin, at_ms, Decimal(size), "anchored", entry=Decimal("80000.0"))


@pytest.fixture(params=["memory", "sqlite", "mongo over the wire", "real mongo", "failover"])
async def repository(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Repository]:
    store = _opened(request, tmp_path)
    await store.prepare()
    yield store
    await store.close()


def _opened(request: pytest.FixtureRequest, folder: Path) -> Repository:
    match request.param:
        case "memory":
            return MemoryRepository()
        case "sqlite":
            return SqliteRepository.open(folder / "deep" / "store.db")
        case "mongo over the wire":
            return MongoRepository(request.getfixturevalue("wire_url"))
        case "real mongo":
            return MongoRepository(request.getfixturevalue("real_url"))
        case _:
            file = SqliteRepository.open(folder / "standby.db")
            return FailoverRepository(MemoryRepository(), file, ManualClock(NOON))


async def test_a_new_store_knows_nothing(repository: Repository) -> None:
    await repository.ping()

    assert list(await repository.roster()) == []
    assert await repository.overrides() == Overrides()
    assert await repository.sequences() == {}
    assert await repository.identities() == {}
    assert await repository.cursor("anything") is None
    assert await repository.find(POSITIONS) == []
    assert await repository.latest(LEADERBOARD, HOUR) == []


async def test_the_roster_is_replaced_whole_and_keeps_its_order(repository: Repository) -> None:
    members = [
        Member(BOB, Decimal("71.50"), "leaderboard"),
        Member(ALICE, Decimal(50), "added by hand"),
    ]
    before = [Member(an_address(n), Decimal(n), "leaderboard") for n in range(12)]
    await repository.replace_roster(before)
    assert list(await repository.roster()) == before

    await repository.replace_roster(members)
    assert list(await repository.roster()) == members

    await repository.replace_roster([])
    assert list(await repository.roster()) == []


async def test_a_person_can_change_their_mind(repository: Repository) -> None:
    await repository.override(ALICE, tracked=True)
    await repository.override(BOB, tracked=False)
    await repository.override(ALICE, tracked=False)
    assert await repository.overrides() == Overrides(removed=frozenset({ALICE, BOB}))

    await repository.override(ALICE, tracked=None)
    await repository.override(ALICE, tracked=None)

    assert await repository.overrides() == Overrides(removed=frozenset({BOB}))


async def test_sequences_never_go_back(repository: Repository) -> None:
    await repository.save_sequences({ALICE: 5, BOB: 7})
    await repository.save_sequences({ALICE: 3, BOB: 8})

    assert await repository.sequences() == {ALICE: 5, BOB: 8}


async def test_who_an_address_is_is_remembered(repository: Repository) -> None:
    await repository.save_identity(ALICE, Identity("subAccount", BOB))
    await repository.save_identity(BOB, Identity("user", None, children=(ALICE,)))
    await repository.save_identity(VAULT, Identity("vault", None, leader=BOB))

    assert await repository.identities() == {
        ALICE: Identity("subAccount", BOB),
        BOB: Identity("user", None, children=(ALICE,)),
        VAULT: Identity("vault", None, leader=BOB),
    }


async def test_coins_that_a_person_added_or_removed_are_remembered(repository: Repository) -> None:
    await repository.follow("DOGE", followed=True)
    await repository.follow("ETH", followed=False)

    assert await repository.followed(["BTC", "ETH"]) == ["BTC", "DOGE"]
    await repository.follow("ETH", followed=True)
    assert await repository.followed(["BTC", "ETH"]) == ["BTC", "ETH", "DOGE"]


async def test_long_work_finds_its_place_again(repository: Repository) -> None:
    await repository.save_cursor("candles BTC 1h", "1000")
    await repository.save_cursor("candles BTC 1h", "2000")

    assert await repository.cursor("candles BTC 1h") == "2000"


async def test_a_history_comes_back_exactly_and_in_time_order(repository: Repository) -> None:
    rows = [held(3), held(1), held(2, "-0.00"), held(2, coin="ETH"), held(1, address=BOB)]
    await repository.save(POSITIONS, rows)

    mine = await repository.find(POSITIONS, {"address": ALICE, "coin": "BTC"})

    assert mine == [held(1), held(2, "-0.00"), held(3)]
    assert [str(row.size) for row in mine] == ["1.50", "-0.00", "1.50"]
    assert set(await repository.find(POSITIONS)) == set(rows)
    assert await repository.find(POSITIONS, {"address": "never seen"}) == []


async def test_a_history_is_asked_for_by_span_by_end_and_by_number(repository: Repository) -> None:
    await repository.save(POSITIONS, [held(ms) for ms in range(10)])
    where = {"address": ALICE, "coin": "BTC"}

    span = await repository.find(POSITIONS, where, since_ms=3, until_ms=6)
    end = await repository.find(POSITIONS, where, until_ms=6, newest_first=True, limit=2)

    assert [row.at_ms for row in span] == [3, 4, 5]
    assert [row.at_ms for row in end] == [5, 4]


async def test_saving_again_replaces(repository: Repository) -> None:
    await repository.save(POSITIONS, [held(1, "1"), held(2, "1")])
    await repository.save(POSITIONS, [held(2, "7")])
    await repository.save(POSITIONS, [])

    assert await repository.find(POSITIONS) == [held(1, "1"), held(2, "7")]


async def test_more_rows_than_one_request_takes_are_all_saved(repository: Repository) -> None:
    rows = [held(ms) for ms in range(1_100)]
    await repository.save(POSITIONS, rows)

    assert await repository.find(POSITIONS) == rows


async def test_rows_can_be_forgotten(repository: Repository) -> None:
    await repository.save(POSITIONS, [held(1), held(2), held(3)])

    await repository.remove(POSITIONS, [held(1), held(3, "9"), held(99)])

    assert await repository.find(POSITIONS) == [held(2)]


async def test_the_newest_row_of_everybody_as_of_a_moment(repository: Repository) -> None:
    await repository.save(
        LEADERBOARD,
        [
            StandingRow(ALICE, 1, account_value=10, day_pnl=-5),
            StandingRow(ALICE, 5, account_value=11),
            StandingRow(BOB, 2, account_value=20),
            StandingRow(BOB, 9),
        ],
    )

    assert set(await repository.latest(LEADERBOARD, 5)) == {
        StandingRow(ALICE, 1, account_value=10, day_pnl=-5),
        StandingRow(BOB, 2, account_value=20),
    }
    assert {row.at_ms for row in await repository.latest(LEADERBOARD, 10)} == {5, 9}


async def test_thinning_keeps_the_newest_of_every_bucket_and_all_that_is_young(
    repository: Repository,
) -> None:
    rows = [held(n * HOUR // 4, str(n)) for n in range(16)]
    others = [held(n * HOUR // 4, address=BOB) for n in range(3)]
    await repository.save(POSITIONS, [*rows, *others])

    dropped = await repository.thin(POSITIONS, 2 * HOUR, HOUR)

    assert dropped == 6 + 2
    assert await repository.find(POSITIONS, {"address": ALICE}) == [rows[3], rows[7], *rows[8:]]
    assert await repository.find(POSITIONS, {"address": BOB}) == [others[2]]
    assert await repository.thin(POSITIONS, 2 * HOUR, HOUR) == 0


async def test_forgetting_the_old_leaves_the_last_word_on_everybody(repository: Repository) -> None:
    await repository.save(POSITIONS, [held(1), held(2), held(3, coin="ETH"), held(4, address=BOB)])

    await repository.thin(POSITIONS, 100, None)

    assert set(await repository.find(POSITIONS)) == {
        held(2),
        held(3, coin="ETH"),
        held(4, address=BOB),
    }


async def test_rows_without_a_subject_are_thinned_too(repository: Repository) -> None:
    rows = [SnapshotRow(ms, f"g{ms}", 30_000, whole=not ms) for ms in range(5)]
    await repository.save(SNAPSHOTS, rows)

    await repository.thin(SNAPSHOTS, 4, 2)

    assert await repository.find(SNAPSHOTS) == [rows[1], rows[3], rows[4]]


async def test_what_is_not_known_stays_unknown(repository: Repository) -> None:
    row = MetricRow("cbbi", 1, Decimal("0.7788"), 2, unit=None)
    await repository.save(METRICS, [row])

    assert await repository.find(METRICS, {"metric": "cbbi"}) == [row]


@given(
    moments=st.lists(st.integers(0, 200), unique=True).map(sorted),
    before=st.integers(0, 200),
    bucket=st.one_of(st.none(), st.integers(1, 50)),
)
def test_what_is_dropped_leaves_every_as_of_answer_at_a_bucket_end(
    moments: list[int], before: int, bucket: int | None
) -> None:
    keys = [("a", moment) for moment in moments]
    left = [key for key in keys if key not in superseded(keys, before, bucket)]

    ends = [before, *(range(bucket, before, bucket) if bucket else ())]
    for end in ends:
        assert [k for k in keys if k[1] < end][-1:] == [k for k in left if k[1] < end][-1:]
    assert [k for k in left if k[1] >= before] == [k for k in keys if k[1] >= before]
