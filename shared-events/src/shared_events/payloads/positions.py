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
    """Of the block; all its trades share it."""
    tid: Annotated[int, Field(ge=0)]
    """The venue's id of the trade."""


class PositionSchema(Part):
    """One coin's net position; None is "not known", never zero."""

    coin: Coin
    """The market by its full wire name."""
    size: Number
    """In the coin; positive is long, 0 is closed."""
    quality: Quality
    """Read from the venue, derived from trades since, in doubt, or not known."""
    dex: str = ""
    """The perpetuals exchange; empty for the main one."""
    entry: Number | None = None
    """Average price of entry."""
    mark: Number | None = None
    """The price `notional` and `unrealised_pnl` were taken at."""
    notional: Number | None = None
    """Absolute size times `mark`, in USD."""
    leverage: Number | None = None
    """As set by the trader for this coin."""
    margin_type: MarginType | None = None
    """Backed by the whole account, or by margin of its own."""
    margin_used: Number | None = None
    """In USD."""
    liquidation_price: Number | None = None
    """As the venue estimated it."""
    unrealised_pnl: Number | None = None
    """In USD."""
    cum_funding: Number | None = None
    """USD paid since the position was opened; negative was received."""
    opened_at: UtcDatetime | None = None
    """When it last left 0."""
    anchored_at: UtcDatetime | None = None
    """When it was last read from the venue."""


class PositionChangeSchema(Part):
    """How one coin's position moved, several trades of one trader coalesced.

    ``first`` and ``last`` name the public trades it was derived from; ``taker_share`` is by size.
    """

    coin: Coin
    """The market by its full wire name."""
    kind: ChangeKind
    """`flip` goes from long to short, or back, in one step."""
    size_before: Number
    """In the coin, signed."""
    size_after: Number
    """In the coin, signed."""
    cause: Cause
    """What told of it: public trades, a poll, the trader's own channel, or a recording."""
    dex: str = ""
    """The perpetuals exchange; empty for the main one."""
    price: Number | None = None
    """Average over its trades."""
    notional: Number | None = None
    """USD traded."""
    first: TradeRefSchema | None = None
    """The first of its trades."""
    last: TradeRefSchema | None = None
    """The last of its trades."""
    trades: Annotated[int, Field(ge=0)] = 0
    """How many trades were coalesced."""
    taker_share: Fraction | None = None
    """Part of the size in which the trader crossed the book."""
    twap: bool | None = None
    """Whether it was a slice of a TWAP order."""
    liquidation: bool | None = None
    """Whether the venue closed it."""


class TraderPositionsSchema(Payload):
    """A trader's book: whole (`full`), or the changed coins alone with their absolute sizes.

    A closed coin in a partial book is a position of size 0. ``sequence`` only grows, over restarts
    too; a consumer ignores an event whose sequence is not newer than the last it applied.
    """

    event_type: ClassVar[str] = "trader_positions"

    address: Address
    """The trader's account."""
    sequence: Annotated[int, Field(ge=0)]
    """Higher than that of every earlier book of the trader."""
    as_of: UtcDatetime
    """The moment the sizes are of."""
    full: bool
    """Whether coins not named are closed."""
    positions: tuple[PositionSchema, ...]
    """One for each coin, closed ones too if the book is partial."""
    account_value: Number | None = None
    """Collateral and unrealised profit, in USD."""
    account_value_at: UtcDatetime | None = None
    """When that was read."""
    changes: tuple[PositionChangeSchema, ...] = ()
    """How the sizes came about, oldest first."""

    @property
    def subject(self) -> str:
        """The trader."""
        return self.address

    @property
    def identity(self) -> str:
        """The sequence."""
        return str(self.sequence)
