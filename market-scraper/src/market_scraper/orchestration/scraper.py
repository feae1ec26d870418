"""The parts of a running scraper, and what can be asked of them from outside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.breaker import Circuit
from market_scraper.connectors.hyperliquid.budget import base_weight
from market_scraper.connectors.hyperliquid.collectors.leaderboard import LeaderboardCollector
from market_scraper.connectors.hyperliquid.collectors.market_contexts import (
    MarketContextsCollector,
)
from market_scraper.connectors.hyperliquid.collectors.status import Sight, sight_of
from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.errors import SourceUnavailableError
from market_scraper.orchestration.backpressure import Backpressure
from market_scraper.orchestration.manager import CollectorManager
from market_scraper.outlet import Outlet
from market_scraper.storage.keeper import Keeper
from market_scraper.storage.repository import Repository
from shared_events.runtime.clock import Clock
from shared_events.runtime.health import Health

_NAMED = 5
_STATE = base_weight({"type": "clearinghouseState"})


@dataclass(slots=True)
class Scraper:
    """What `lifecycle.running` yields."""

    settings: Settings
    clock: Clock
    feed: Feed
    throttle: Throttle
    venue_time: VenueTime
    outlet: Outlet
    repository: Repository
    positions: TraderPositionsCollector
    leaderboard: LeaderboardCollector
    contexts: MarketContextsCollector
    keeper: Keeper
    manager: CollectorManager
    backpressure: Backpressure
    coins: dict[str, None]
    started_at: datetime

    def unrelated_work_may_run(self) -> Sequence[str]:
        """Return who is tracked, once every book is known; nobody before."""
        sight = self.sight()
        return self.leaderboard.tracked_addresses() if sight.anchored == sight.tracked else ()

    def sight(self) -> Sight:
        """Say what is seen of the venue now."""
        seen = sight_of(
            self.positions.following,
            sockets_open=self.feed.open,
            sockets_needed=self.feed.needed,
            subscribed=self.feed.ready,
            budget_used=self.throttle.used_share,
            quiet_seconds=self.venue_time.quiet_seconds(),
        )
        return replace(seen, notes=tuple(self.notes()), reduced=bool(self.backpressure.taken))

    def notes(self) -> Iterator[str]:
        """Say what is done less well than it could be, and why."""
        if self.throttle.circuit is not Circuit.CLOSED:
            yield f"the venue refuses requests: circuit {self.throttle.circuit}"
        if self.throttle.alone:
            yield "request budget not shared: Redis is away, so less of it is spent"
        if taken := self.backpressure.taken:
            yield f"more to do than can be done, given up: {', '.join(taken)}"
        if unlisted := self.unlisted():
            yield f"not listed by the venue: {', '.join(unlisted[:_NAMED])}"

    def unlisted(self) -> list[str]:
        """Return the coins that are wanted and that the venue does not list; none before it was asked."""
        listed = self.contexts.contexts
        return [coin for coin in self.coins if coin not in listed] if listed else []

    def progress(self) -> str:
        """Say in a sentence how far the start has come."""
        sight = self.sight()
        return sight.progress(self.throttle.seconds_for(_STATE * (sight.tracked - sight.anchored)))

    def status(self) -> Mapping[str, Any]:
        """Return everything an operator asks first."""
        sight = self.sight()
        return {
            "status": sight.condition,
            "progress": {"message": self.progress(), "share": round(sight.anchored_weight, 4)},
            "venue": self.settings.exchange_url,
            "venue_time": self.venue_time.now(),
            "started_at": self.started_at,
            "tracked": sight.tracked,
            "anchored": sight.anchored,
            "doubtful": sight.doubtful,
            "coverage": sight.coverage,
            "budget": {
                "used_share": round(self.throttle.used_share, 4),
                "limit_a_minute": self.throttle.limit,
                "shared": self.settings.budget_redis is not None and not self.throttle.alone,
                "circuit": self.throttle.circuit,
            },
            "sockets": {
                "open": sight.sockets_open,
                "needed": sight.sockets_needed,
                "handed_over": self.feed.handovers,
            },
            "notes": sight.notes,
            "load": {
                "lateness_seconds": round(self.backpressure.load.lateness_seconds, 4),
                "queue_share": round(self.backpressure.load.waiting_share, 4),
                "unpublished_seconds": round(self.backpressure.load.age_seconds, 3),
                "given_up": self.backpressure.taken,
            },
            "quiet_seconds": sight.quiet_seconds,
            "gaps": {"found": sight.gaps_found, "closed": sight.gaps_closed},
            "ledger": self.ledger(),
            "unknown_answers": self.positions.unknown_answers,
            "frames_set_aside": self.feed.set_aside,
            "events": {
                "told": self.outlet.told,
                "waiting": self.outlet.waiting,
            },
            "storage": self.storage(),
            "last_troubles": self.manager.troubles,
        }

    def ledger(self) -> Mapping[str, Any]:
        """Return how right the books turned out to be whenever they were compared."""
        following = self.positions.following
        audit = following.audit
        return {
            "repairs": following.repairs,
            "audited_sizes": audit.sizes,
            "wrong_sizes": audit.wrong,
            "error": audit.error,
            "notional_error": audit.notional_error,
            "verified_wallets": len(self.positions.verified()),
            "builder_books": sum(map(len, following.books.elsewhere.values())),
        }

    def storage(self) -> Mapping[str, Any]:
        """Return how much is written of what is seen."""
        positions = self.keeper.positions
        return {
            "rows_seen": positions.seen,
            "rows_written": positions.written,
            "written_share": round(positions.written / positions.seen, 4)
            if positions.seen
            else None,
            "rows_waiting": self.keeper.waiting,
            "rows_given_up": self.keeper.given_up,
        }

    def health(self) -> Health:
        """Return the checks that decide whether the service is ready."""
        return Health(
            {
                "bus": self.outlet.ping,
                "storage": self.repository.ping,
                "venue": self._venue_is_fresh,
            }
        )

    async def _venue_is_fresh(self) -> None:
        sight = self.sight()
        if sight.condition in {"STALE", "LOST"}:
            raise SourceUnavailableError(
                f"{sight.condition}: {sight.sockets_open} of {sight.sockets_needed} connections"
                f" stand, the last trade came {_ago(sight.quiet_seconds)}"
            )


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s ago"
