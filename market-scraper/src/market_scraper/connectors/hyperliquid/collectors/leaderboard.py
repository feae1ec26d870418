"""Read the leaderboard, publish it, and decide from it who is tracked."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import structlog

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.parse import parse_leaderboard
from market_scraper.connectors.hyperliquid.ranking import (
    WINDOWS,
    chunks,
    departures,
    generation_of,
    introductions,
    profile,
)
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.moments import milliseconds
from market_scraper.outlet import Outlet
from market_scraper.positions.roster import Member, Overrides, choose, turnover
from market_scraper.positions.scoring import Standing
from market_scraper.storage.leaderboard_history import LeaderboardHistory
from market_scraper.storage.repository import Repository
from shared_events.errors import TransientError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_OVERRIDE_SECONDS = 2.0
_ROWS_AT_ONCE = 50
"""Rows of the file that are read in one go: about a millisecond."""


class LeaderboardCollector:
    """Keeps the ranking and the roster drawn from it.

    Parameters
    ----------
    on_roster
        Called with the whole roster, best first, whenever it changes.
    history
        Keeps every edition.
    most
        How many traders of the leaderboard are tracked; may be changed at any time.
    least_account_value
        USD a trader must have in the account.
    every_seconds
        How often the file is read; the venue rebuilds it about hourly.
    rows
        How many rows of each window are published.
    retell_seconds
        How often the whole roster is told again: for those who came late, or lost what Redis held.
    """

    name: ClassVar[str] = "leaderboard"

    def __init__(  # noqa: PLR0913 -- each is a collaborator or a limit of its own
        self,
        info: InfoClient,
        outlet: Outlet,
        repository: Repository,
        venue_time: VenueTime,
        clock: Clock,
        on_roster: Callable[[Sequence[Member]], None],
        *,
        history: LeaderboardHistory,
        most: int,
        least_account_value: Decimal,
        every_seconds: float = 3_600.0,
        rows: int = 5_000,
        retell_seconds: float = 900.0,
    ) -> None:
        self.pulse = Pulse()
        self.standings: dict[str, Standing] = {}
        self.roster: dict[str, Member] = {}
        self._info = info
        self._outlet = outlet
        self._repository = repository
        self._venue_time = venue_time
        self._clock = clock
        self._on_roster = on_roster
        self.history = history
        self.most = self._drawn_most = most
        self._least_account_value = least_account_value
        self._every_seconds = every_seconds
        self._rows = rows
        self._retell_seconds = retell_seconds
        self._overrides = Overrides()
        self._generation: str | None = None
        self._introduced = False

    def tracked_addresses(self) -> Sequence[str]:
        """Return who is tracked, best first."""
        return list(self.roster)

    def standing(self, address: str) -> Standing | None:
        """Return the row of `address` in the ranking last read."""
        return self.standings.get(address)

    def value(self, member: Member) -> Decimal:
        """Return in which order to learn what members hold, the highest first: by what their accounts hold.

        Whoever is not in the ranking comes last, by score.
        """
        standing = self.standings.get(member.address)
        return standing.account_value if standing else member.score

    async def collect(self) -> None:
        """Keep the roster current until cancelled."""
        await self._resume()
        due = self._now()
        retell = due + self._retell_seconds
        while True:
            overrides = await self._repository.overrides()
            read = self._now() >= due and await self._read_if_there()
            if self._now() >= due:
                due = self._now() + (self._every_seconds if read else _OVERRIDE_SECONDS * 5)
            if self._now() >= retell:
                self._introduced, retell = False, self._now() + self._retell_seconds
            changed = overrides != self._overrides or self.most != self._drawn_most
            someone = self.roster or overrides.added
            if read or changed or (someone and not self._introduced):
                self._overrides = overrides
                await self._draw()
            await self._clock.sleep(_OVERRIDE_SECONDS)

    async def _resume(self) -> None:
        """Track whom we tracked before, until the leaderboard has been read."""
        self._overrides = await self._repository.overrides()
        before = await self._repository.roster()
        kept = [member for member in before if member.address not in self._overrides.removed]
        if kept and not self.roster:
            self.roster = {member.address: member for member in kept[: self.most]}
            self._on_roster(list(self.roster.values()))

    async def _read_if_there(self) -> bool:
        try:
            await self._read()
        except TransientError as e:
            log.warning("leaderboard_away", reason=str(e), tracked=len(self.roster))
            return False
        return True

    async def _read(self) -> None:
        raw = await self._info.leaderboard()
        generation, self.standings = await asyncio.to_thread(generation_of, raw), await _rows(raw)
        if generation != self._generation:
            at = self._venue_time.now()
            await self._publish_ranking(generation, at)
            await self.history.keep(milliseconds(at), generation, self.standings.values())
            self._generation = generation
        self.pulse.beat(self._clock.now(), self._every_seconds)

    async def _publish_ranking(self, generation: str, at: datetime) -> None:
        standings = self.standings.values()
        for window in WINDOWS:
            pieces = chunks(window, generation, at, standings, self._rows)
            await self._outlet.tell(await asyncio.to_thread(list, pieces))
        log.info("leaderboard_read", rows=len(self.standings), generation=generation)

    async def _draw(self) -> None:
        """Choose the roster anew and tell what changed."""
        before, self._drawn_most = self.roster, self.most
        after = await self._chosen()
        at = self._venue_time.now()
        changed = turnover(
            before, after, self.standings, self._overrides, self._least_account_value
        )
        self.roster = after
        await self._outlet.tell(departures(changed.left, at))
        news = [m for m in after.values() if not self._introduced or m != before.get(m.address)]
        await self._outlet.tell(introductions(news, at, snapshot=not self._introduced))
        self._introduced = self._introduced or bool(after)
        self._on_roster(list(after.values()))
        await self._repository.replace_roster(list(after.values()))
        await self._publish_profiles(at, [member.address for member in news])
        log.info("roster", tracked=len(after), joined=len(changed.joined), left=len(changed.left))

    async def _chosen(self) -> dict[str, Member]:
        """Return the next roster; while no leaderboard was ever read, the last one."""
        overrides = self._overrides
        if not self.standings:
            by_hand = choose((), frozenset(), overrides, self.most, self._least_account_value)
            staying = {a: m for a, m in self.roster.items() if a not in overrides.removed}
            return by_hand | staying
        return await asyncio.to_thread(
            choose,
            self.standings.values(),
            self.roster.keys(),
            overrides,
            self.most,
            self._least_account_value,
        )

    async def _publish_profiles(self, at: datetime, addresses: Iterable[str]) -> None:
        identities = await self._repository.identities()
        await self._outlet.tell(
            profile(address, at, self.standings.get(address), identities.get(address))
            for address in addresses
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()


async def _rows(raw: bytes) -> dict[str, Standing]:
    """Return the rows of the file by address, read a few at a time: a thread would hold the others up."""
    standings: dict[str, Standing] = {}
    for standing in parse_leaderboard(raw):
        standings[standing.address] = standing
        if not len(standings) % _ROWS_AT_ONCE:
            await asyncio.sleep(0)
    return standings
