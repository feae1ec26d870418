"""Facts about traders: who is tracked, who they are, where their money went, what they filled."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared_events.envelope import Part, Payload
from shared_events.types import Address, Coin, Fraction, Number, Side, Text, UtcDatetime

Window = Literal["day", "week", "month", "allTime"]
Role = Literal["user", "agent", "vault", "subAccount", "missing"]


class SnapshotPart(Part):
    """One of `total` events that together are a whole list; `index` counts from 0."""

    id: Text
    """Names the list."""
    index: Annotated[int, Field(ge=0)]
    """From 0."""
    total: Annotated[int, Field(ge=1)]
    """How many parts the list has."""


class TrackedTrader(Payload):
    """An address entered or left the roster, or is named by the roster's snapshot at start."""

    event_type: ClassVar[str] = "tracked_traders"

    address: Address
    """The trader's account."""
    tracked: bool
    """Whether it is on the roster from now on."""
    reason: Text
    """Why, for people."""
    at: UtcDatetime
    """When it was decided."""
    score: Annotated[Number, Field(ge=0, le=100)] | None = None
    """How good the record looks; 50 says nothing."""
    score_version: Text | None = None
    """Of the formula."""
    snapshot: SnapshotPart | None = None
    """Which part of the whole roster this is, when it is told at start."""

    @property
    def subject(self) -> str:
        """The trader."""
        return self.address

    @property
    def identity(self) -> str:
        """When, and as part of which snapshot."""
        return f"{self.at.isoformat()}|{self.snapshot.id if self.snapshot else ''}"


class Performance(Part):
    """What the venue reports for one window; `roi` is a fraction, `pnl` and `volume` are USD."""

    pnl: Number
    """Profit in USD."""
    roi: Number
    """Profit as a fraction of the account."""
    volume: Number
    """USD traded."""


class TraderProfile(Payload):
    """What is known of an address beside its positions."""

    event_type: ClassVar[str] = "trader_profiles"

    address: Address
    """The account."""
    at: UtcDatetime
    """When it was read."""
    role: Role | None = None
    """As the venue calls it."""
    master: Address | None = None
    """Who decides for a sub-account."""
    vault_leader: Address | None = None
    """Who decides for a vault."""
    children: tuple[Address, ...] = ()
    """Sub-accounts it decides for."""
    first_seen: UtcDatetime | None = None
    """Oldest activity known."""
    last_seen: UtcDatetime | None = None
    """Newest activity known."""
    account_value: Number | None = None
    """Collateral and unrealised profit, in USD."""
    windows: Mapping[Window, Performance] = Field(default_factory=dict)
    """Its record by window."""
    maker_share: Fraction | None = None
    """Part of its volume in which its order rested in the book."""

    @property
    def subject(self) -> str:
        """The trader."""
        return self.address

    @property
    def identity(self) -> str:
        """When it was read."""
        return self.at.isoformat()


class AccountFlow(Payload):
    """Something that changed an account without a trade; `amount` is USD, positive when received."""

    event_type: ClassVar[str] = "account_flows"

    address: Address
    """The trader's account."""
    at: UtcDatetime
    """When the venue booked it."""
    kind: Literal["deposit", "withdrawal", "transfer", "funding", "leverage", "margin"]
    """What happened."""
    amount: Number | None = None
    """USD, positive when received."""
    coin: Coin | None = None
    """The market it concerns, if one."""
    counterparty: Address | None = None
    """The other side of a transfer."""
    leverage: Number | None = None
    """The new one, if that changed."""
    hash: Text | None = None
    """Of the transaction."""

    @property
    def subject(self) -> str:
        """The trader."""
        return self.address

    @property
    def identity(self) -> str:
        """Time, kind, coin and transaction."""
        return f"{self.at.isoformat()}|{self.kind}|{self.coin or ''}|{self.hash or ''}"


class TraderFill(Payload):
    """One fill of a verified or backfilled wallet; `side` is the trader's own."""

    event_type: ClassVar[str] = "trader_fills"

    address: Address
    """The trader's account."""
    coin: Coin
    """The market by its full wire name."""
    at: UtcDatetime
    """Time of the block."""
    tid: Annotated[int, Field(ge=0)]
    """The venue's id of the trade; both sides share it."""
    side: Side
    """The trader's own."""
    price: Number
    """In USD."""
    size: Number
    """In the coin, positive."""
    start_position: Number | None = None
    """Signed size before it."""
    fee: Number | None = None
    """Negative is a rebate."""
    fee_token: Text | None = None
    """What the fee was paid in."""
    closed_pnl: Number | None = None
    """USD realised by it, fee not taken off."""
    crossed: bool | None = None
    """Whether the trader was the taker."""
    oid: int | None = None
    """The venue's id of the order."""
    hash: Text | None = None
    """Of the transaction."""
    twap_id: int | None = None
    """The TWAP order it was a slice of."""
    liquidation: bool | None = None
    """Whether the venue closed it."""
    reconstructed: bool = False
    """Whether it was derived instead of reported."""

    @property
    def subject(self) -> str:
        """The trader."""
        return self.address

    @property
    def identity(self) -> str:
        """The venue's own identity of a fill: time, coin, trade id, side (self-trades have two)."""
        return f"{self.at.isoformat()}|{self.coin}|{self.tid}|{self.side}"


class LeaderboardRow(Part):
    """One wallet in one window's ranking."""

    address: Address
    """The account."""
    rank: Annotated[int, Field(ge=0)]
    """From 0, best first."""
    account_value: Number
    """Collateral and unrealised profit, in USD."""
    performance: Performance
    """In the chunk's window."""
    display_name: Text | None = None
    """As the trader chose it."""


class LeaderboardChunk(Payload):
    """A piece of one window's point-in-time ranking."""

    event_type: ClassVar[str] = "leaderboard"

    window: Window
    """What the ranking is over."""
    generation: Text
    """Names this edition of the ranking."""
    at: UtcDatetime
    """When it was read."""
    part: SnapshotPart
    """Which piece of it this is."""
    rows: tuple[LeaderboardRow, ...]
    """Best first."""

    @property
    def subject(self) -> str:
        """The window."""
        return self.window

    @property
    def identity(self) -> str:
        """Generation and chunk."""
        return f"{self.generation}|{self.part.index}"
