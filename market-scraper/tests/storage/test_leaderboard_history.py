from decimal import Decimal

from hypothesis import given, settings, strategies as st

from market_scraper.positions.scoring import Result, Standing
from market_scraper.storage.leaderboard_history import LeaderboardHistory
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.tables import LEADERBOARD, SNAPSHOTS
from shared_events.testing.factories import an_address

ALICE, BOB, CAROL = an_address(1), an_address(2), an_address(3)


def a_line(address: str, value: str = "1000.25", pnl: str = "-12.34") -> Standing:
    result = Result(Decimal(pnl), Decimal("0.013258"), Decimal(3_250_555_746))
    return Standing(address, Decimal(value), {"day": result, "allTime": result})


async def test_every_edition_can_be_seen_again_as_it_was() -> None:
    history = LeaderboardHistory(MemoryRepository())
    editions = {
        10: [a_line(ALICE), a_line(BOB)],
        20: [a_line(ALICE, "999"), a_line(BOB), a_line(CAROL)],
        30: [a_line(BOB), a_line(CAROL, pnl="5")],
    }

    for at, lines in editions.items():
        await history.keep(at, f"g{at}", lines)

    assert await history.as_of(9) is None
    for at, lines in editions.items():
        for moment in (at, at + 9):
            told = await history.as_of(moment)
            assert told is not None
            assert sorted(told, key=lambda s: s.address) == lines


async def test_a_line_that_did_not_change_is_not_written_again() -> None:
    repository = MemoryRepository()
    history = LeaderboardHistory(repository)

    rows = [
        await history.keep(10, "a", [a_line(ALICE), a_line(BOB)]),
        await history.keep(20, "b", [a_line(ALICE), a_line(BOB, "1001")]),
        await history.keep(30, "c", [a_line(ALICE), a_line(BOB, "1001")]),
    ]

    assert rows == [2, 1, 0]
    assert [edition.generation for edition in await repository.find(SNAPSHOTS)] == ["a", "b", "c"]


async def test_after_a_restart_nobody_who_left_meanwhile_is_listed() -> None:
    repository = MemoryRepository()
    await LeaderboardHistory(repository).keep(10, "a", [a_line(ALICE), a_line(BOB)])

    later = LeaderboardHistory(repository)
    await later.keep(20, "b", [a_line(BOB)])

    assert await later.as_of(25) == [a_line(BOB)]
    assert len(await repository.find(LEADERBOARD, {"address": ALICE})) == 1, "and still known"


async def test_numbers_are_kept_to_the_cent_the_dollar_and_the_millionth() -> None:
    history = LeaderboardHistory(MemoryRepository())
    noisy = Result(Decimal("644054.375913"), Decimal("0.0132582723"), Decimal("3250555746.66"))
    vast = Decimal("1E+29")
    await history.keep(1, "a", [Standing(ALICE, vast, {"week": noisy})])

    told = await history.as_of(1)

    assert told is not None
    assert told[0].results["week"] == Result(
        Decimal("644054.38"), Decimal("0.013258"), Decimal(3250555747)
    )
    assert 0 < told[0].account_value < vast, "what no store holds is the most that one does"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from([ALICE, BOB, CAROL]), st.integers(0, 3)),
        min_size=1,
        max_size=8,
    ),
    st.sets(st.integers(0, 7)),
)
async def test_whatever_comes_and_goes_and_restarts_every_edition_is_kept(
    editions: list[dict[str, int]], restarts: set[int]
) -> None:
    repository = MemoryRepository()
    history = LeaderboardHistory(repository)
    for at, edition in enumerate(editions):
        if at in restarts:
            history = LeaderboardHistory(repository)
        await history.keep(at, str(at), [a_line(a, str(v)) for a, v in edition.items()])

    for at, edition in enumerate(editions):
        told = await history.as_of(at)
        assert told is not None
        assert {s.address: int(s.account_value) for s in told} == edition
