"""Write a past as a journal: every fact in the order in which it was learned."""

import gc
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.episodes.books import Books
from hyperliquid_simulator.episodes.markets import Markets
from hyperliquid_simulator.episodes.people import People
from hyperliquid_simulator.episodes.told import SOURCE, Told, moment
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.past.generate import generate
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.past.truth import truth_of, write_truth
from shared_events.codec import encode
from shared_events.envelope import StandardEvent, event
from shared_events.journal import JournalWriter

FRAME_RECORDS: Final = 1_000
TRUTH_FILE: Final = "truth.json"
UNFINISHED: Final = ".unfinished"


def write(
    config: Config, out: Path, on_day: Callable[[int], None] = lambda _day: None
) -> Counter[str]:
    """Build a past, write it to the new folder ``out`` with the truth beside it, and count its events.

    Parameters
    ----------
    on_day
        Called with every day that was written.

    Raises
    ------
    ConfigError
        If ``out`` exists or cannot be made: nothing is ever overwritten.
    """
    if out.exists():
        raise ConfigError(f"--out {out} exists; choose a new folder, or remove it first.")
    unfinished = out.with_name(out.name + UNFINISHED)
    try:
        unfinished.mkdir(parents=True)
    except OSError as e:
        advice = "; if a killed run left it there, remove it" if unfinished.exists() else ""
        raise ConfigError(f"--out: cannot make {unfinished} ({e.strerror}){advice}.") from e
    try:
        written = _fill(config, unfinished, on_day)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    return written


def _fill(config: Config, folder: Path, on_day: Callable[[int], None]) -> Counter[str]:
    config = replace(config, builder_coins=0)  # a scraper reads the venue's own dex
    past, written = generate(config, config.start_ms), Counter[str]()
    with JournalWriter(folder) as journal, _uncollected():
        for day, envelopes in enumerate(envelopes_of(past, config)):
            for first in range(0, len(envelopes), FRAME_RECORDS):
                frame = envelopes[first : first + FRAME_RECORDS]
                journal.append([encode(envelope) for envelope in frame])
            written.update(envelope.type for envelope in envelopes)
            on_day(day)
    write_truth(truth_of(past, config), folder / TRUTH_FILE)
    return written


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare a sixth of the time: nothing here is garbage that only a search would find."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def envelopes_of(past: Past, config: Config) -> Iterator[list[StandardEvent[Any]]]:
    """Yield the events of every day, in the order in which they were learned."""
    books, markets = Books(past, config.seed), Markets(past, config)
    people = People(past)
    late: list[Told] = [*people.opened(), *books.opened()]
    days = config.history_days
    for day in range(days):
        midnight = past.origin_ms + (day + 1) * DAY_MS
        told = [*late, *markets.day(day), *people.day(day), *books.day(day)]
        told.sort(key=lambda each: each.recorded)
        late = [each for each in told if each.recorded >= midnight and day < days - 1]
        yield [_envelope(each) for each in told[: len(told) - len(late)]]


def _envelope(told: Told) -> StandardEvent[Any]:
    return event(
        told.fact, source=SOURCE, time=moment(told.time), recorded_at=moment(told.recorded)
    )
