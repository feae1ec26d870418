"""Listen for an hour, ask what can be asked meanwhile, and write down what was found: resumable."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import structlog

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.parse import parse_meta
from market_scraper.connectors.hyperliquid.rest import InfoClient, info_session
from market_scraper.connectors.hyperliquid.throttle import Throttle, Urgency
from market_scraper.orchestration.sharing import shared_budget
from market_scraper.orchestration.wiring import recorded_rules
from market_scraper.probing import checks
from market_scraper.probing.questions import Answer
from market_scraper.probing.venue import Heard, Venue
from market_scraper.recording.recorder import Recorder
from shared_events.errors import ConfigError, TransientError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_WEEK_SECONDS: Final = 7 * 86_400.0
_SAVE_SECONDS = 10.0
_WARM_SECONDS = 20.0
_NOT_ASKED = "it needs --to-the-limit, which is refused once"


Check = Callable[[Venue], Awaitable[Answer]]


class Report(msgspec.Struct):
    """What is known so far; `listened_seconds` counts all runs."""

    venue: str
    began_ms: int
    listened_seconds: float = 0.0
    answers: dict[str, Answer] = {}

    def answered(self, name: str) -> bool:
        """Tell whether a question has its answer."""
        return name in self.answers and self.answers[name].answer is not None


_decoder = msgspec.json.Decoder(Report)


class Probe:
    """Asks the open questions.

    Parameters
    ----------
    folder
        Where ``report.json`` and everything that came in are kept; goes on where it ended.
    seconds
        How long to listen in all.
    to_the_limit
        Whether checks may be made that end in a refusal.
    watched
        Whose fills are looked at beside those of the busiest.
    minute
        How long the venue's minute is: less than 60 s for a simulator that runs fast.
    """

    def __init__(  # noqa: PLR0913 -- each is a collaborator or a limit of its own
        self,
        settings: Settings,
        folder: Path,
        clock: Clock,
        *,
        seconds: float,
        to_the_limit: bool,
        watched: tuple[str, ...] = (),
        minute: float = 60.0,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._seconds = seconds
        self._to_the_limit = to_the_limit
        self._watched = watched
        self._minute = minute
        self._path = folder / "report.json"
        self._folder = folder
        self.report = self._resumed()

    async def run(self) -> Report:
        """Listen and ask until the time is over; return what was found.

        Raises
        ------
        ConfigError
            If the folder holds the report of another venue.
        TransientError
            If the venue does not answer at all.
        """
        async with self._opened() as (venue, feed):
            began = self._now()
            await self._clock.sleep(min(_WARM_SECONDS, self._seconds / 3))
            for name, check in self._checks():
                if not self.report.answered(name):
                    await self._ask(name, check(venue))
                    self._save(began)
            while self.report.listened_seconds + self._now() - began < self._seconds:
                await self._clock.sleep(min(_SAVE_SECONDS, self._seconds / 10))
                self._note(self._lifetime(feed, self._now() - began))
            self._note(self._lifetime(feed, self._now() - began))
            if not self.report.answered("hidden_fills"):
                await self._ask("hidden_fills", checks.hidden_fills(venue, self._watched))
            self._save(began)
        return self.report

    def _checks(self) -> Iterator[tuple[str, Check]]:
        yield "leaderboard_limit", checks.leaderboard_limit
        yield "state_clock", checks.state_times
        for name, check in checks.LIMIT_CHECKS.items():
            if self._to_the_limit:
                yield name, check
            elif not self.report.answered(name):
                self._note(Answer(name, None, {"reason": _NOT_ASKED}))

    async def _ask(self, name: str, answer: Awaitable[Answer]) -> None:
        try:
            found = await answer
        except (TransientError, aiohttp.ClientError, OSError) as e:
            found = Answer(name, None, {"reason": str(e) or type(e).__name__})
        self._note(found)
        log.info("probed", question=name, answer=found.answer, **found.evidence)

    def _lifetime(self, feed: Feed, listened: float) -> Answer:
        age = feed.lifetime.seconds
        if age < _WEEK_SECONDS:
            return Answer("lifetime", f"{age:.0f} s", {"seconds": round(age, 1)})
        return Answer("lifetime", f"longer than {listened:.0f} s", {"seconds": round(listened, 1)})

    def _note(self, answer: Answer) -> None:
        self.report.answers[answer.question] = answer

    def _save(self, began: float) -> None:
        total = self.report.listened_seconds + self._now() - began
        whole = msgspec.structs.replace(self.report, listened_seconds=total)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=2))
        fresh.replace(self._path)

    def _resumed(self) -> Report:
        where = self._settings.exchange_url
        if not self._path.exists():
            return Report(where, int(self._now() * 1_000))
        report = _decoder.decode(self._path.read_bytes())
        if report.venue != where:
            raise ConfigError(f"{self._path} is about {report.venue}: choose another folder")
        return report

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Venue, Feed]]:
        """Open everything, and listen to the trades of every coin."""
        settings, clock, heard = self._settings, self._clock, Heard()
        async with AsyncExitStack() as stack:
            rules, folder = recorded_rules(settings), self._folder / "raw"
            tap = Recorder.open(folder, clock, rules, most_bytes=settings.record_bytes)
            stack.callback(tap.close)
            stack.push_async_callback(tap.settle)
            http = await stack.enter_async_context(info_session())
            shared = await stack.enter_async_context(shared_budget(settings, clock))
            budget = WeightBudget(settings.weight_limit)
            throttle = Throttle(budget, clock, shared, Urgency.BACKFILL)
            info = InfoClient(http, settings.exchange_url, settings.leaderboard_at, throttle, tap)
            listed = [each.name for each in parse_meta(await info.meta()) if not each.delisted]
            feed = Feed(settings.websocket_at, clock, lifetime_seconds=_WEEK_SECONDS, tap=tap)
            feed.on_trades.append(heard.take)
            feed.follow(listed)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            running = [tasks.create_task(feed.run()), tasks.create_task(tap.collect())]
            try:
                yield self._venue(http, info, throttle, heard), feed
            finally:
                for task in running:
                    task.cancel()

    def _venue(
        self, http: aiohttp.ClientSession, info: InfoClient, throttle: Throttle, heard: Heard
    ) -> Venue:
        settings = self._settings
        return Venue(
            http=http,
            url=settings.exchange_url,
            websocket=settings.websocket_at,
            leaderboard=settings.leaderboard_at,
            info=info,
            throttle=throttle,
            clock=self._clock,
            heard=heard,
            minute=self._minute,
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()
