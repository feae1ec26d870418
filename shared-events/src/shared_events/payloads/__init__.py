"""Every payload there is. Adding one: write the class, then one line in `SCHEMAS`.

A hot type has a second line in `HOT`: the msgspec struct that travels in its schema's place.
"""

from typing import Any

from shared_events.envelope import Payload
from shared_events.payloads.decisions import (
    ContributionSchema,
    GateSchema,
    ModelChange,
    ModelsSchema,
    Outcome,
    Prediction,
    Regime,
    RegimeViewSchema,
    SignalSchema,
    WhaleAlert,
)
from shared_events.payloads.hot import (
    Contribution,
    Gate,
    Models,
    Position,
    PositionChange,
    RegimeView,
    Signal,
    TradeFlow,
    TradeRef,
    TraderPositions,
)
from shared_events.payloads.market import (
    Candle,
    ContextMetric,
    Interval,
    MarketContext,
    SourceStatus,
    TradeFlowSchema,
)
from shared_events.payloads.positions import (
    Cause,
    ChangeKind,
    MarginType,
    PositionChangeSchema,
    PositionSchema,
    Quality,
    TradeRefSchema,
    TraderPositionsSchema,
)
from shared_events.payloads.traders import (
    AccountFlow,
    LeaderboardChunk,
    LeaderboardRow,
    Performance,
    Role,
    SnapshotPart,
    TrackedTrader,
    TraderFill,
    TraderProfile,
    Window,
)

__all__ = [
    "HOT",
    "SCHEMAS",
    "AccountFlow",
    "Candle",
    "Cause",
    "ChangeKind",
    "ContextMetric",
    "Contribution",
    "ContributionSchema",
    "Gate",
    "GateSchema",
    "Interval",
    "LeaderboardChunk",
    "LeaderboardRow",
    "MarginType",
    "MarketContext",
    "ModelChange",
    "Models",
    "ModelsSchema",
    "Outcome",
    "Performance",
    "Position",
    "PositionChange",
    "PositionChangeSchema",
    "PositionSchema",
    "Prediction",
    "Quality",
    "Regime",
    "RegimeView",
    "RegimeViewSchema",
    "Role",
    "Signal",
    "SignalSchema",
    "SnapshotPart",
    "SourceStatus",
    "TrackedTrader",
    "TradeFlow",
    "TradeFlowSchema",
    "TradeRef",
    "TradeRefSchema",
    "TraderFill",
    "TraderPositions",
    "TraderPositionsSchema",
    "TraderProfile",
    "WhaleAlert",
    "Window",
]

SCHEMAS: tuple[type[Payload], ...] = (
    TraderPositionsSchema,
    TrackedTrader,
    TraderProfile,
    AccountFlow,
    TraderFill,
    LeaderboardChunk,
    Candle,
    MarketContext,
    TradeFlowSchema,
    ContextMetric,
    SourceStatus,
    SignalSchema,
    Outcome,
    Prediction,
    Regime,
    ModelChange,
    WhaleAlert,
)

HOT: dict[str, Any] = {
    "trader_positions": TraderPositions,
    "trade_flow": TradeFlow,
    "signals": Signal,
}
