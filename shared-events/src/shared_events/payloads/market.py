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
    """The market by its full wire name."""
    interval: Interval
    """How long it is."""
    open_time: UtcDatetime
    """Inclusive."""
    close_time: UtcDatetime
    """Exclusive: `open_time` + `interval`."""
    open: Number
    """First price."""
    high: Number
    """Highest price."""
    low: Number
    """Lowest price."""
    close: Number
    """Last price."""
    volume: Number
    """In the coin."""
    trades: Annotated[int, Field(ge=0)]
    """How many."""
    closed: bool
    """Whether its time is over."""
    origin: Literal["rest", "websocket", "trades", "replay"]
    """Where it was learned."""
    revision: Annotated[int, Field(ge=0)] = 0
    """Grows with each correction of a final one."""

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
    """The market by its full wire name."""
    at: UtcDatetime
    """When it was read."""
    dex: str = ""
    """The perpetuals exchange; empty for the main one."""
    mark: Number | None = None
    """What positions are valued at."""
    oracle: Number | None = None
    """The reference from outside."""
    mid: Number | None = None
    """The middle of the book."""
    bid: Number | None = None
    """Best bid."""
    ask: Number | None = None
    """Best ask."""
    impact_bid: Number | None = None
    """Average price a sale of a set size would get."""
    impact_ask: Number | None = None
    """Average price a purchase of a set size would pay."""
    premium: Number | None = None
    """Distance from the oracle price, as a fraction of it."""
    funding: Number | None = None
    """Hourly rate; positive is paid by longs."""
    open_interest: Number | None = None
    """In the coin, one side."""
    day_volume: Number | None = None
    """USD traded in 24 hours."""
    previous_day_price: Number | None = None
    """Mark 24 hours ago."""
    size_decimals: Annotated[int, Field(ge=0)] | None = None
    """Decimals a size may have."""
    max_leverage: Annotated[int, Field(ge=1)] | None = None
    """The highest the venue allows."""
    delisted: bool = False
    """Whether trading has ended."""

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
    """The market by its full wire name."""
    second: UtcDatetime
    """Its beginning."""
    buy_volume: Number
    """Taken from the ask, in the coin."""
    sell_volume: Number
    """Hit on the bid, in the coin."""
    trades: Annotated[int, Field(ge=0)]
    """How many."""
    vwap: Number | None = None
    """Average price by volume."""
    tracked_share: Fraction | None = None
    """Part of the volume in which a tracked trader was a party."""

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
    """Its name."""
    at: UtcDatetime
    """What moment it is of."""
    value: Number
    """The reading."""
    unit: Text | None = None
    """What it is measured in."""
    revision: Annotated[int, Field(ge=0)] = 0
    """Grows each time the provider corrects it."""

    @property
    def subject(self) -> str:
        """The metric."""
        return self.metric

    @property
    def identity(self) -> str:
        """When it was valid and what it said: providers correct the past, and some take it back."""
        correction = f"|{self.revision}" if self.revision else ""
        return f"{self.at.isoformat()}|{self.value}{correction}"


class SourceStatus(Payload):
    """How well one source is seen right now.

    ``cadence_seconds`` is declared by recordings: how far apart their snapshots are. ``coverage``
    is the share of the tracked traders whose position is known.
    """

    event_type: ClassVar[str] = "source_status"

    name: Text
    """The source."""
    at: UtcDatetime
    """When it was said."""
    status: Literal["LIVE", "PARTIAL", "STALE", "LOST"]
    """How well it is seen."""
    detail: Text = ""
    """Why, for people."""
    recording: bool = False
    """Whether it is played from a recording."""
    cadence_seconds: Annotated[float, Field(gt=0)] | None = None
    """How far apart a recording's snapshots are."""
    gaps_found: Annotated[int, Field(ge=0)] = 0
    """Holes noticed so far."""
    gaps_closed: Annotated[int, Field(ge=0)] = 0
    """Of those, repaired."""
    budget_used: Fraction | None = None
    """Part of the request budget in use."""
    coverage: Fraction | None = None
    """Part of the tracked traders whose position is known."""
    tracked: Annotated[int, Field(ge=0)] | None = None
    """Traders on the roster."""
    anchored: Annotated[int, Field(ge=0)] | None = None
    """Of those, read at least once."""

    @property
    def subject(self) -> str:
        """The source."""
        return self.name

    @property
    def identity(self) -> str:
        """When it was said."""
        return self.at.isoformat()
