"""Facts about markets and about how well we see them."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared_events.envelope import Payload
from shared_events.types import Coin, Fraction, Number, Text, UtcDatetime

Interval = Literal["1m", "5m", "15m", "1h", "4h", "1d"]


class Candle(Payload):
    """Open, high, low, close and volume of one coin over one interval.

    ``close_time`` is exclusive (``open_time`` + interval). A candle is final when `closed`; a
    correction of a final one has a higher `revision`.
    """

    event_type: ClassVar[str] = "candles"

    coin: Coin
    interval: Interval
    open_time: UtcDatetime
    close_time: UtcDatetime
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    trades: Annotated[int, Field(ge=0)]
    closed: bool
    origin: Literal["rest", "websocket", "trades", "replay"]
    revision: Annotated[int, Field(ge=0)] = 0

    @property
    def subject(self) -> str:
        """``coin:interval``."""
        return f"{self.coin}:{self.interval}"

    @property
    def identity(self) -> str:
        """Which candle, how final, and what it said."""
        said = "" if self.closed else f"|{self.close}|{self.volume}|{self.trades}"
        return f"{self.open_time.isoformat()}|{self.closed}|{self.revision}{said}"


class MarketContext(Payload):
    """A market's prices, funding and size as the venue reports them.

    ``funding`` is the hourly rate, ``premium`` a fraction of the oracle price, ``day_volume`` USD.
    """

    event_type: ClassVar[str] = "market_contexts"

    coin: Coin
    at: UtcDatetime
    dex: str = ""
    mark: Number | None = None
    oracle: Number | None = None
    mid: Number | None = None
    bid: Number | None = None
    ask: Number | None = None
    impact_bid: Number | None = None
    impact_ask: Number | None = None
    premium: Number | None = None
    funding: Number | None = None
    open_interest: Number | None = None
    day_volume: Number | None = None
    previous_day_price: Number | None = None
    size_decimals: Annotated[int, Field(ge=0)] | None = None
    max_leverage: Annotated[int, Field(ge=1)] | None = None
    delisted: bool = False

    @property
    def subject(self) -> str:
        """The coin."""
        return self.coin

    @property
    def identity(self) -> str:
        """When it was read."""
        return self.at.isoformat()


class TradeFlowSchema(Payload):
    """One second of public trades of one coin; volumes are in the coin.

    ``tracked_share`` is the part of the volume in which a tracked trader was a party.
    """

    event_type: ClassVar[str] = "trade_flow"

    coin: Coin
    second: UtcDatetime
    buy_volume: Number
    sell_volume: Number
    trades: Annotated[int, Field(ge=0)]
    vwap: Number | None = None
    tracked_share: Fraction | None = None

    @property
    def subject(self) -> str:
        """The coin."""
        return self.coin

    @property
    def identity(self) -> str:
        """The second."""
        return self.second.isoformat()


class ContextMetric(Payload):
    """One reading of a slow indicator: CBBI, fear and greed, an on-chain ratio."""

    event_type: ClassVar[str] = "context_metrics"

    metric: Text
    at: UtcDatetime
    value: Number
    unit: Text | None = None

    @property
    def subject(self) -> str:
        """The metric."""
        return self.metric

    @property
    def identity(self) -> str:
        """When it was valid and what it said: providers correct the past."""
        return f"{self.at.isoformat()}|{self.value}"


class SourceStatus(Payload):
    """How well one source is seen right now.

    ``cadence_seconds`` is declared by recordings: how far apart their snapshots are. ``coverage``
    is the share of the tracked traders whose position is known.
    """

    event_type: ClassVar[str] = "source_status"

    name: Text
    at: UtcDatetime
    status: Literal["LIVE", "PARTIAL", "STALE", "LOST"]
    detail: Text = ""
    recording: bool = False
    cadence_seconds: Annotated[float, Field(gt=0)] | None = None
    gaps_found: Annotated[int, Field(ge=0)] = 0
    gaps_closed: Annotated[int, Field(ge=0)] = 0
    budget_used: Fraction | None = None
    coverage: Fraction | None = None
    tracked: Annotated[int, Field(ge=0)] | None = None
    anchored: Annotated[int, Field(ge=0)] | None = None

    @property
    def subject(self) -> str:
        """The source."""
        return self.name

    @property
    def identity(self) -> str:
        """When it was said."""
        return self.at.isoformat()
