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
    index: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=1)]


class TrackedTrader(Payload):
    """An address entered or left the roster, or is named by the roster's snapshot at start."""

    event_type: ClassVar[str] = "tracked_traders"

    address: Address
    tracked: bool
    reason: Text
    at: UtcDatetime
    score: Annotated[Number, Field(ge=0, le=100)] | None = None
    score_version: Text | None = None
    snapshot: SnapshotPart | None = None

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
    roi: Number
    volume: Number


class TraderProfile(Payload):
    """What is known of an address beside its positions."""

    event_type: ClassVar[str] = "trader_profiles"

    address: Address
    at: UtcDatetime
    role: Role | None = None
    master: Address | None = None
    vault_leader: Address | None = None
    children: tuple[Address, ...] = ()
    first_seen: UtcDatetime | None = None
    last_seen: UtcDatetime | None = None
    account_value: Number | None = None
    windows: Mapping[Window, Performance] = Field(default_factory=dict)
    maker_share: Fraction | None = None

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
    at: UtcDatetime
    kind: Literal["deposit", "withdrawal", "transfer", "funding", "leverage", "margin"]
    amount: Number | None = None
    coin: Coin | None = None
    counterparty: Address | None = None
    leverage: Number | None = None
    hash: Text | None = None

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
    coin: Coin
    at: UtcDatetime
    tid: Annotated[int, Field(ge=0)]
    side: Side
    price: Number
    size: Number
    start_position: Number | None = None
    fee: Number | None = None
    fee_token: Text | None = None
    closed_pnl: Number | None = None
    crossed: bool | None = None
    oid: int | None = None
    hash: Text | None = None
    twap_id: int | None = None
    liquidation: bool | None = None
    reconstructed: bool = False

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
    rank: Annotated[int, Field(ge=0)]
    account_value: Number
    performance: Performance
    display_name: Text | None = None


class LeaderboardChunk(Payload):
    """A piece of one window's point-in-time ranking."""

    event_type: ClassVar[str] = "leaderboard"

    window: Window
    generation: Text
    at: UtcDatetime
    part: SnapshotPart
    rows: tuple[LeaderboardRow, ...]

    @property
    def subject(self) -> str:
        """The window."""
        return self.window

    @property
    def identity(self) -> str:
        """Generation and chunk."""
        return f"{self.generation}|{self.part.index}"
