"""What a tracked trader holds, as the published schema; the bus carries `hot.TraderPositions`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared_events.envelope import Part, Payload
from shared_events.types import Address, Coin, Fraction, Number, UtcDatetime

Quality = Literal["anchored", "derived", "suspect", "unknown"]
ChangeKind = Literal["open", "increase", "reduce", "close", "flip"]
Cause = Literal["trade", "poll", "user", "replay"]
MarginType = Literal["cross", "isolated"]


class TradeRefSchema(Part):
    """A public trade: its block time and its trade id."""

    time: UtcDatetime
    tid: Annotated[int, Field(ge=0)]


class PositionSchema(Part):
    """One coin's net position; None is "not known", never zero."""

    coin: Coin
    size: Number
    quality: Quality
    dex: str = ""
    entry: Number | None = None
    mark: Number | None = None
    notional: Number | None = None
    leverage: Number | None = None
    margin_type: MarginType | None = None
    margin_used: Number | None = None
    liquidation_price: Number | None = None
    unrealised_pnl: Number | None = None
    cum_funding: Number | None = None
    opened_at: UtcDatetime | None = None
    anchored_at: UtcDatetime | None = None


class PositionChangeSchema(Part):
    """How one coin's position moved, several trades of one trader coalesced.

    ``first`` and ``last`` name the public trades it was derived from; ``taker_share`` is by size.
    """

    coin: Coin
    kind: ChangeKind
    size_before: Number
    size_after: Number
    cause: Cause
    dex: str = ""
    price: Number | None = None
    notional: Number | None = None
    first: TradeRefSchema | None = None
    last: TradeRefSchema | None = None
    trades: Annotated[int, Field(ge=0)] = 0
    taker_share: Fraction | None = None
    twap: bool | None = None
    liquidation: bool | None = None


class TraderPositionsSchema(Payload):
    """A trader's book: whole (`full`), or the changed coins alone with their absolute sizes.

    A closed coin in a partial book is a position of size 0. ``sequence`` only grows, over restarts
    too; a consumer ignores an event whose sequence is not newer than the last it applied.
    """

    event_type: ClassVar[str] = "trader_positions"

    address: Address
    sequence: Annotated[int, Field(ge=0)]
    as_of: UtcDatetime
    full: bool
    positions: tuple[PositionSchema, ...]
    account_value: Number | None = None
    account_value_at: UtcDatetime | None = None
    changes: tuple[PositionChangeSchema, ...] = ()

    @property
    def subject(self) -> str:
        """The trader."""
        return self.address

    @property
    def identity(self) -> str:
        """The sequence."""
        return str(self.sequence)
