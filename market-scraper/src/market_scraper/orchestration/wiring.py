"""What a scraper is made of, wired together; nothing runs yet."""

from collections.abc import Sequence

import aiohttp

from market_scraper.collecting import Collector
from market_scraper.config import Settings
from market_scraper.connectors.candles import CandlesCollector
from market_scraper.connectors.hyperliquid.collectors.account_flows import (
    AccountFlowsCollector,
)
from market_scraper.connectors.hyperliquid.collectors.builder_markets import (
    BuilderMarketsCollector,
)
from market_scraper.connectors.hyperliquid.collectors.candles import HyperliquidCandles
from market_scraper.connectors.hyperliquid.collectors.completeness import CompletenessCollector
from market_scraper.connectors.hyperliquid.collectors.leaderboard import LeaderboardCollector
from market_scraper.connectors.hyperliquid.collectors.market_contexts import (
    MarketContextsCollector,
)
from market_scraper.connectors.hyperliquid.collectors.roles import RolesCollector
from market_scraper.connectors.hyperliquid.collectors.status import StatusCollector
from market_scraper.connectors.hyperliquid.collectors.trade_flow import TradeFlowCollector
from market_scraper.connectors.hyperliquid.collectors.trader_fills import TraderFillsCollector
from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.orchestration.backpressure import Backpressure
from market_scraper.orchestration.degradation import Step, kept_coins
from market_scraper.orchestration.manager import CollectorManager
from market_scraper.orchestration.markets import Markets
from market_scraper.orchestration.scraper import Scraper
from market_scraper.outlet import Outlet
from market_scraper.positions.roster import Member
from market_scraper.processors.contexts import ContextNews
from market_scraper.recording.notes import Rules, encode_roster
from market_scraper.storage.keeper import Keeper
from market_scraper.storage.leaderboard_history import LeaderboardHistory
from market_scraper.storage.repository import Repository
from market_scraper.storage.retention import Compactor, Rule
from market_scraper.storage.tables import LEADERBOARD, POSITIONS
from market_scraper.tapping import Tap
from shared_events.runtime.clock import Clock

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


def build(  # noqa: PLR0913, PLR0917 -- each is a collaborator of its own
    settings: Settings,
    outlet: Outlet,
    repository: Repository,
    http: aiohttp.ClientSession,
    throttle: Throttle,
    clock: Clock,
    tap: Tap,
) -> Scraper:
    """Wire the parts together; nothing runs yet."""
    feed = Feed(
        settings.websocket_at,
        clock,
        lifetime_seconds=settings.connection_seconds,
        share=settings.budget_share,
        tap=tap,
    )
    venue_time = VenueTime(feed.tape, clock)
    info = InfoClient(http, settings.exchange_url, settings.leaderboard_at, throttle, tap)
    positions = TraderPositionsCollector(
        info,
        feed,
        venue_time,
        outlet,
        repository,
        clock,
        coalesce_seconds=settings.coalesce_ms / 1000,
        republish_seconds=settings.republish_seconds,
        audit_seconds=settings.audit_seconds,
    )
    fills = TraderFillsCollector(
        feed, positions, outlet, clock, most=min(settings.user_slots, feed.room.users)
    )
    keeper = Keeper(
        repository,
        clock,
        every_seconds=settings.save_seconds,
        position_max_interval_seconds=settings.position_max_interval_seconds,
    )
    outlet.on_told.append(keeper.told)
    positions.on_state.append(keeper.stated)

    def on_roster(members: Sequence[Member]) -> None:
        tap("roster", "", encode_roster(members))
        positions.subscribe_traders(members)

    leaderboard = LeaderboardCollector(
        info,
        outlet,
        repository,
        venue_time,
        clock,
        on_roster,
        history=LeaderboardHistory(repository),
        most=settings.max_traders,
        least_account_value=settings.least_account_value,
        every_seconds=settings.leaderboard_seconds,
        rows=settings.leaderboard_rows,
        retell_seconds=settings.republish_seconds,
    )
    positions.value = leaderboard.value
    manager = CollectorManager(clock)
    coins: dict[str, None] = {}

    known = ContextNews()

    def kept(listed: Sequence[str]) -> Sequence[str]:
        volumes = {coin: context.day_volume for coin, context in known.contexts.items()}
        return kept_coins(listed, backpressure.taken, volumes, coins)

    def shrink(shed: bool) -> None:  # noqa: FBT001 -- the only thing it is told
        leaderboard.most = max(1, settings.max_traders // 2) if shed else settings.max_traders

    def hurry(shed: bool) -> None:  # noqa: FBT001
        throttle.few_audits = shed

    backpressure = Backpressure(outlet, clock, {Step.AUDITS: hurry, Step.ROSTER: shrink})
    markets = Markets(feed, positions, venue_time, kept)
    contexts = MarketContextsCollector(
        info,
        outlet,
        known,
        venue_time,
        clock,
        markets.venue,
        every_seconds=settings.contexts_seconds,
    )
    builders = BuilderMarketsCollector(
        info,
        feed,
        outlet,
        known,
        venue_time,
        clock,
        markets.builders,
    )
    scraper = Scraper(
        settings=settings,
        clock=clock,
        feed=feed,
        throttle=throttle,
        venue_time=venue_time,
        outlet=outlet,
        repository=repository,
        positions=positions,
        leaderboard=leaderboard,
        contexts=contexts,
        keeper=keeper,
        manager=manager,
        backpressure=backpressure,
        coins=coins,
        started_at=clock.now(),
    )
    collectors: list[Collector] = [
        contexts,
        *((builders,) if settings.builder_exchanges else ()),
        leaderboard,
        positions,
        fills,
        AccountFlowsCollector(feed, positions, outlet, clock),
        CandlesCollector(
            "candles",
            HyperliquidCandles(info, feed, coins, settings.intervals),
            outlet,
            venue_time,
            clock,
            coins=scraper.coins,
            intervals=settings.intervals,
            history=settings.candle_history,
            listed=lambda: () if Step.CANDLES in backpressure.taken else known.contexts.keys(),
        ),
        CompletenessCollector(
            feed,
            positions,
            clock,
            lambda: () if Step.CANDLES in backpressure.taken else coins.keys() & known.contexts,
        ),
        RolesCollector(
            info,
            outlet,
            repository,
            venue_time,
            clock,
            wanted=scraper.unrelated_work_may_run,
            standing=leaderboard.standing,
        ),
        TradeFlowCollector(
            feed,
            outlet,
            clock,
            coins=scraper.coins,
            tracked=positions.members.keys(),
        ),
        StatusCollector(
            scraper.sight, outlet, venue_time, clock, every_seconds=settings.status_seconds
        ),
        keeper,
        backpressure,
        Compactor(repository, clock, thinning(settings)),
    ]
    for collector in collectors:
        manager.add(collector.name, collector)
    return scraper


def thinning(settings: Settings) -> tuple[Rule, ...]:
    """Return what is thinned out, and when."""
    return (
        Rule(POSITIONS, _days(settings.positions_fine_days), _HOUR_MS),
        Rule(POSITIONS, _days(settings.positions_days), None),
        Rule(LEADERBOARD, _days(settings.leaderboard_fine_days), _DAY_MS),
    )


def recorded_rules(settings: Settings) -> Rules:
    """Return what a recording says of the settings by which events are made."""
    return Rules(
        coins=settings.coins,
        coalesce_ms=settings.coalesce_ms,
        republish_seconds=settings.republish_seconds,
        leaderboard_rows=settings.leaderboard_rows,
        least_account_value=settings.least_account_value,
        status_seconds=settings.status_seconds,
        context_days=settings.context_days,
    )


def _days(days: float) -> int:
    return int(days * _DAY_MS)
