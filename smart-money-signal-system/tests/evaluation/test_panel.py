from pathlib import Path

import pytest

from shared_events.codec import encode
from shared_events.errors import ConfigError
from shared_events.journal import JournalWriter
from signal_system.evaluation.panel import Row, judged_panel, markdown
from signal_system.fold import FoldConfig
from signal_system.testing.events import Event, book, member, price, status
from signal_system.weighting_engine.contest import ACCOUNTS

COINS = tuple(f"C{number:02}" for number in range(12))
RISING = COINS[6:]
CADENCE = 5 * 3_600.0


def recording(long: tuple[str, ...], snapshots: int = 14) -> list[Event]:
    """Return snapshots in which the later half of the coins rises and three traders hold `long`."""
    events = [status(recording=True, cadence_seconds=CADENCE)]
    events += [member(each, 50) for each in (1, 2, 3)]
    for snapshot in range(snapshots):
        second = snapshot * CADENCE
        events.append(status(second, recording=True, cadence_seconds=CADENCE))
        for number, coin in enumerate(COINS):
            growth = 1 + 0.001 * (number + 1) * (1 if coin in RISING else -1)
            events.append(price(coin, round(100 * growth**snapshot, 6), second))
        held = {coin: 1 + 0.1 * n if coin in long else -1 for n, coin in enumerate(COINS)}
        events += [
            book(each, snapshot + 1, held, second, account_value=1_000) for each in (1, 2, 3)
        ]
    return events


def written(folder: Path, events: list[Event]) -> Path:
    with JournalWriter(folder) as writer:
        writer.append([encode(event) for event in events])
    return folder


def equal(journal: Path) -> Row:
    found = judged_panel(journal, FoldConfig(), lambda _: None)
    return next(row for row in found.schemes if row.scheme == "equal-v1")


def test_stances_on_the_side_of_later_returns_have_a_positive_rank_correlation(
    tmp_path: Path,
) -> None:
    row = equal(written(tmp_path, recording(RISING)))

    for each in row.foresight:
        assert each.rank_ic is not None
        assert each.hits is not None
        assert each.brier is not None
        assert each.rank_ic.low > 0.7
        assert each.hits.value == 1
        assert each.brier.high < 0


def test_stances_on_the_other_side_have_a_negative_one(tmp_path: Path) -> None:
    row = equal(written(tmp_path, recording(COINS[:6])))

    assert all(each.rank_ic and each.rank_ic.high < -0.5 for each in row.foresight)
    assert all(each.hits and each.hits.value == 0 for each in row.foresight)


def test_three_books_that_are_the_same_are_one_bet(tmp_path: Path) -> None:
    assert equal(written(tmp_path, recording(RISING))).bets == pytest.approx(1.0)


def test_whoever_learns_abstains_while_nobody_can_be_judged(tmp_path: Path) -> None:
    found = judged_panel(written(tmp_path, recording(RISING)), FoldConfig(), lambda _: None)

    row = next(row for row in found.schemes if row.scheme == "skill-relative-v1")
    assert (row.abstained, row.bets) == (1.0, None)
    assert all(each.rank_ic is None for each in row.foresight)
    assert (found.coins, found.traders, found.snapshots) == (12, 3, 14)
    assert markdown(found).count("| `") == len(ACCOUNTS)


def test_a_recording_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has 3 snapshots"):
        judged_panel(written(tmp_path, recording(RISING, 3)), FoldConfig(), lambda _: None)
