"""What a run would cost, reckoned from its settings: nothing is asked and nothing is started. Pure."""

from dataclasses import dataclass
from typing import Final

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.budget import base_weight, row_weight
from market_scraper.connectors.hyperliquid.collectors.trader_fills import CHANNELS
from market_scraper.connectors.hyperliquid.room import room_for
from market_scraper.intervals import INTERVALS

USUAL_COINS: Final = 180
"""How many perpetuals the venue listed on its own dex in September 2026."""
USUAL_BUILDER_COINS: Final = 120
"""How many more builders may list: assumed, since a plan asks for one list alone."""

_STATE = base_weight({"type": "clearinghouseState"})
_CANDLES = base_weight({"type": "candleSnapshot"})
_PAGE = 5_000
_CONTEXTS = base_weight({"type": "metaAndAssetCtxs"})
_METAS = base_weight({"type": "allPerpMetas"})
_ROLE = base_weight({"type": "userRole"})
_ROLE_SECONDS = 15.0
_MINUTE = 60.0
_DAY = 86_400.0
_ANCHORS, _AUDITS = 0.9, 0.8
_BYTES_A_TRADER = 6_800.0
_BYTES_OF_LEADERBOARD = 2_200_000.0
"""Measured by ``benchmarks/storage.py``: a trader's positions a day, an edition of 30,000 moving lines."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run needs, in the units its names say; `misfits` tells what does not fit, and why."""

    weight_limit: int
    contexts_weight: float
    candles_weight: float
    audits_weight: float
    roles_weight: float
    start_weight: int
    anchor_seconds: float
    audit_round_seconds: float
    roles_hours: float
    subscriptions: int
    most_subscriptions: int
    lines: int
    most_users: int
    disk_bytes_a_day: float
    misfits: tuple[str, ...]

    @property
    def weight(self) -> float:
        """The weight of a minute once everybody is anchored and every role is known."""
        return self.contexts_weight + self.candles_weight + self.audits_weight


def plan(settings: Settings, coins: int) -> Plan:
    """Reckon what following `coins` listed coins with `settings` takes."""
    limit, traders = settings.weight_limit, settings.max_traders
    contexts = _CONTEXTS * _MINUTE / settings.contexts_seconds
    contexts += _METAS if settings.builder_exchanges else 0
    candles = _candles_a_minute(settings)
    start = _STATE * traders + _history(settings)
    for_anchors = max(_ANCHORS * limit - contexts, 1.0)
    for_audits = max(_AUDITS * limit - contexts - candles, 1.0)
    wished = _STATE * traders * _MINUTE / settings.audit_seconds
    audits = min(wished, for_audits)
    room = room_for(settings.budget_share)
    subscriptions = _subscriptions(settings, coins, room.users)
    return Plan(
        weight_limit=limit,
        contexts_weight=contexts,
        candles_weight=candles,
        audits_weight=audits,
        roles_weight=min(_ROLE * _MINUTE / _ROLE_SECONDS, for_audits),
        start_weight=start,
        anchor_seconds=_MINUTE * _STATE * traders / for_anchors,
        audit_round_seconds=_MINUTE * _STATE * traders / audits,
        roles_hours=traders * _ROLE_SECONDS / 3_600,
        subscriptions=subscriptions,
        most_subscriptions=room.subscriptions,
        lines=room.lines,
        most_users=min(settings.user_slots, room.users),
        disk_bytes_a_day=_BYTES_A_TRADER * traders
        + _BYTES_OF_LEADERBOARD * _DAY / settings.leaderboard_seconds,
        misfits=tuple(_misfits(settings, subscriptions, contexts + candles, audits, wished)),
    )


def _misfits(
    settings: Settings, subscriptions: int, fixed: float, audits: float, wished: float
) -> list[str]:
    limit, room = settings.weight_limit, room_for(settings.budget_share)
    found = []
    if fixed > _AUDITS * limit:
        found.append(
            f"markets and candles alone want {fixed:.0f} of {limit} request weights a minute, which leaves"
            " nothing for audits: raise CONTEXTS_SECONDS, or lower COINS, INTERVALS"
        )
    if wished > audits:
        found.append(
            f"to audit {settings.max_traders} traders every {settings.audit_seconds:.0f} s takes"
            f" {wished:.0f} request weights a minute and {audits:.0f} are left for it: a round takes longer"
        )
    if subscriptions > room.subscriptions:
        found.append(
            f"{subscriptions} subscriptions are wanted, and {room.subscriptions} fit if a connection is to"
            " be handed over: the trades of the rest are not seen"
        )
    if room.users == 0:
        found.append("BUDGET_SHARE leaves no user's own channel: nobody is verified that way")
    return found


def _subscriptions(settings: Settings, coins: int, users: int) -> int:
    """Return what is listened to: trades of every coin, minutes of the followed ones, own channels."""
    own = len(CHANNELS) * min(settings.user_slots, users)
    builders = USUAL_BUILDER_COINS + 1 if settings.builder_exchanges else 0
    return coins + builders + len(settings.coins) + own


def _candles_a_minute(settings: Settings) -> float:
    """Return the weight of reading every candle once, when it is final."""
    each = _CANDLES + row_weight({"type": "candleSnapshot"}, 2)
    minutes = (INTERVALS[interval].total_seconds() / _MINUTE for interval in settings.intervals)
    return len(settings.coins) * sum(each / length for length in minutes)


def _history(settings: Settings) -> int:
    """Return the weight of the candles that are read at the first start."""
    weight = 0
    for interval in settings.intervals:
        rows = settings.candle_history // INTERVALS[interval]
        for first in range(0, rows, _PAGE):
            page = min(_PAGE, rows - first)
            weight += _CANDLES + row_weight({"type": "candleSnapshot"}, page)
    return weight * len(settings.coins)
