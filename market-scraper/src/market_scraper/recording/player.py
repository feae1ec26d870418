"""A recording told again: what came in goes through what follows the venue live, on its own clock.

Nothing here waits or asks. Sessions, books, rosters, bars and readings are made by the same code as live, and
timers fire when the notes have passed them. So the same notes always tell the same facts, at the same
moments, whatever the speed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from market_scraper.moments import EPOCH
from market_scraper.outlet import SOURCE
from market_scraper.recording.notes import Note, Rules, decode_rules
from market_scraper.recording.run import Kept, Run
from market_scraper.recording.told import Told
from shared_events.errors import DataError, TransientError

_SECOND_US = 1_000_000
_LONGEST_PAUSE_US = 60 * _SECOND_US
_FLUSH = "flush"


def notes_told(notes: Iterable[Note]) -> Iterator[Told]:
    """Yield every fact that `notes` tell, in time order."""
    player = Player()
    for note in notes:
        yield from player.play(note)
    yield from player.rest()


class Player:
    """Plays one note after the other, and fires the timers between them."""

    def __init__(self) -> None:
        self._clock = _NoteClock()
        self._kept = Kept()
        self._run = Run(self._kept, self._clock)
        self._rules: Rules | None = None
        self._due_us: dict[str, int] = {}

    def play(self, note: Note) -> Iterator[Told]:
        """Yield what is told until `note` came in, and because of it."""
        if note.kind == "begin":
            yield from self._begin(note)
        elif note.kind == "settings":
            self._follow(decode_rules(note.body), note.at_us)
        elif self._rules is not None:
            yield from self._until(note.at_us, self._rules)
            yield from self._facts(note, self._rules)
            self._await_flush(self._rules)

    def rest(self) -> Iterator[Told]:
        """Yield what is left when no more notes come."""
        yield from self._told([*self._run.changes(), *self._run.bars(rest=True)])

    def _begin(self, note: Note) -> Iterator[Told]:
        """End the run before, and let nothing happen until this one."""
        yield from self.rest()
        self._clock.at_us = max(self._clock.at_us, note.at_us)
        self._kept.sequences = self._run.following.books.sequences
        self._run = Run(self._kept, self._clock)
        self._rules, self._due_us = None, {}

    def _follow(self, rules: Rules, at_us: int) -> None:
        if self._rules is None:
            self._clock.at_us = max(self._clock.at_us, at_us)
            self._due_us = {
                "bars": self._clock.at_us + _SECOND_US // 2,
                "retell": self._clock.at_us + _SECOND_US,
                "status": self._clock.at_us,
                "introduce": self._clock.at_us + int(rules.republish_seconds * _SECOND_US),
            }
        self._rules = rules

    def _until(self, at_us: int, rules: Rules) -> Iterator[Told]:
        """Fire what is due before `at_us`, in order; our own clock may have been set back."""
        if at_us - self._clock.at_us > _LONGEST_PAUSE_US:
            self._due_us = {name: max(due, at_us) for name, due in self._due_us.items()}
        while self._due_us:
            name, due = min(self._due_us.items(), key=lambda timer: (timer[1], timer[0]))
            if due >= at_us:
                break
            self._clock.at_us = max(self._clock.at_us, due)
            yield from self._told(self._fire(name, rules))
        self._clock.at_us = max(self._clock.at_us, at_us)

    def _fire(self, name: str, rules: Rules) -> list[Any]:
        now = self._clock.at_us
        match name:
            case "bars":
                self._due_us[name] = now + _SECOND_US // 2
                return self._run.bars()
            case "retell":
                self._due_us[name] = now + _SECOND_US
                self._run.retell(rules)
                self._await_flush(rules)
                return []
            case "status":
                self._due_us[name] = now + int(rules.status_seconds * _SECOND_US)
                return [self._run.status()]
            case "introduce":
                self._due_us[name] = now + int(rules.republish_seconds * _SECOND_US)
                return list(self._run.introduce())
            case _:
                del self._due_us[name]
                return self._run.changes()

    def _await_flush(self, rules: Rules) -> None:
        if self._run.following.books.untold:
            self._due_us.setdefault(_FLUSH, self._clock.at_us + rules.coalesce_ms * 1_000)

    def _facts(self, note: Note, rules: Rules) -> Iterator[Told]:
        """Yield what `note` tells; what cannot be read tells nothing, as live."""
        try:
            facts = list(self._run.facts(note, rules))
        except (DataError, TransientError):
            return
        yield from self._told(facts, _source_of(note))

    def _told(self, facts: Iterable[Any], source: str = SOURCE) -> Iterator[Told]:
        at = self._clock.now()
        return (Told(at, fact, source) for fact in facts)


class _NoteClock:
    """Stands where the notes are."""

    def __init__(self) -> None:
        self.at_us = 0

    def now(self) -> datetime:
        """Return the moment of the last note, or of the timer that fires."""
        return EPOCH + timedelta(microseconds=self.at_us)

    async def sleep(self, seconds: float) -> None:
        """Nobody waits while a recording is told."""
        raise NotImplementedError


def _source_of(note: Note) -> str:
    """Return whose facts a note tells: a page's place begins with it."""
    return note.place.partition(" ")[0] if note.kind == "page" else SOURCE
