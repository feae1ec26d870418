from datetime import timedelta

from shared_events.testing.factories import NOON
from signal_system.fold import Fold, FoldConfig
from signal_system.progress import StartProgress
from signal_system.testing.events import Event, book, member, status


def after(*events: Event) -> StartProgress:
    fold = Fold(FoldConfig())
    for position, event in enumerate(events):
        fold.apply(position, event)
    progress = StartProgress(fold)
    progress.restored = True
    return progress


def test_a_journal_that_is_being_folded_comes_first() -> None:
    progress = after()
    progress.restored = False

    assert progress.report(NOON).phase == "restoring"


def test_without_a_roster_it_waits_for_the_scraper() -> None:
    report = after(status()).report(NOON)

    assert (report.phase, report.tracked, report.coverage) == ("waiting", 0, None)
    assert "market scraper" in report.message


def test_while_coverage_rises_it_says_when_signals_begin() -> None:
    fold = Fold(FoldConfig())
    for position, event in enumerate(member(n) for n in range(10)):
        fold.apply(position, event)
    progress = StartProgress(fold)
    progress.restored = True
    assert (
        progress.report(NOON).message == "0% of the tracked weight is fresh, signals begin at 50%"
    )

    fold.apply(10, book(1, 1, {"BTC": 1}))
    report = progress.report(NOON + timedelta(seconds=60))

    assert report.phase == "warming"
    assert report.known == 1
    assert report.message == "10% of the tracked weight is fresh, first signal in about 5 min"


def test_with_enough_of_the_weight_fresh_it_is_live() -> None:
    report = after(member(1), book(1, 1, {"BTC": 1})).report(NOON)

    assert (report.phase, report.coverage) == ("live", 1.0)
