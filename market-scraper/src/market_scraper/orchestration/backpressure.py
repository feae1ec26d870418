"""Measure how far behind we are, and give up what `degradation` says."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

import structlog

from market_scraper.collecting import Pulse
from market_scraper.orchestration.degradation import Degradation, Load, Step
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_LOOK_SECONDS = 0.25
_LOOKS = 8


class Queue(Protocol):
    """What was told, and how much of it is not published yet."""

    @property
    def told(self) -> int:
        """How many events there ever were."""
        ...

    @property
    def waiting(self) -> int:
        """How many of them the bus has not taken."""
        ...

    @property
    def limit(self) -> int:
        """How many may wait at most."""
        ...


class Meter:
    """Measures the load from outside: when we wake up, and what the outlet has told and not published."""

    def __init__(self, outlet: Queue) -> None:
        self._outlet = outlet
        self._lateness: deque[float] = deque(maxlen=_LOOKS)
        self._told: deque[tuple[float, int]] = deque()
        self._published = 0

    def woke(self, now: float, late_seconds: float) -> Load:
        """Return the load at `now`, having woken so much too late.

        A bus that takes nothing at all is away, and giving anything up would not bring it back.
        """
        self._lateness.append(max(late_seconds, 0.0))
        outlet, lateness = self._outlet, sum(self._lateness) / len(self._lateness)
        published = outlet.told - outlet.waiting
        flows, self._published = published > self._published, published
        self._told.append((now, outlet.told))
        while self._told and self._told[0][1] <= published:
            self._told.popleft()
        if not flows:
            return Load(lateness)
        age = now - self._told[0][0] if self._told else 0.0
        return Load(lateness, outlet.waiting / outlet.limit, age)


class Backpressure:
    """Looks four times a second, and lets go or takes up again, one step at a time.

    Parameters
    ----------
    actions
        What each step does; called with whether it is taken or undone. Steps without one are read
        by others from `taken`.
    """

    name: ClassVar[str] = "backpressure"

    def __init__(
        self,
        outlet: Queue,
        clock: Clock,
        actions: Mapping[Step, Callable[[bool], None]],
        degradation: Degradation | None = None,
    ) -> None:
        self.pulse = Pulse()
        self.load = Load()
        self.degradation = degradation or Degradation()
        self.measure: Callable[[float, float], Load] = Meter(outlet).woke
        self._clock = clock
        self._actions = actions

    @property
    def taken(self) -> tuple[Step, ...]:
        """What is given up now."""
        return self.degradation.taken

    async def collect(self) -> None:
        """Look and act until cancelled."""
        before = self._now()
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            now = self._now()
            self.load = self.measure(now, now - before - _LOOK_SECONDS)
            before = now
            if step := self.degradation.look(self.load, now):
                self._act(step)
            self.pulse.beat(self._clock.now(), _LOOK_SECONDS)

    def _act(self, step: Step) -> None:
        shed = step in self.taken
        log.warning(
            "load_shed" if shed else "load_taken_up",
            step=step,
            lateness=round(self.load.lateness_seconds, 3),
            queue=round(self.load.waiting_share, 3),
            age=round(self.load.age_seconds, 3),
        )
        if action := self._actions.get(step):
            action(shed)

    def _now(self) -> float:
        return self._clock.now().timestamp()
