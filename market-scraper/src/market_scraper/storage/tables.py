"""What is kept, as tables of flat rows; every store holds them all by the same description."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

TIME = "at_ms"
"""The last part of the key of rows that follow each other in time: milliseconds since 1970."""

_REPEATED = "repeated"
Name = Annotated[str, _REPEATED]
"""A text that many rows share, such as an address: a store may write it down once."""

Kind = Literal["text", "name", "whole", "flag", "number"]
_KINDS: dict[type, Kind] = {str: "text", int: "whole", bool: "flag", Decimal: "number"}

R = TypeVar("R", bound=msgspec.Struct)


class Tracked(msgspec.Struct, frozen=True):
    """Who is tracked; `place` counts from 0, best first."""

    place: int
    address: str
    score: Decimal
    reason: str


class Override(msgspec.Struct, frozen=True):
    """What a person wants for an address; None once they let the leaderboard decide again."""

    address: str
    tracked: bool | None


class Followed(msgspec.Struct, frozen=True):
    """What a person wants of a coin's candles and trade flow: followed or not, whatever the settings say."""

    coin: str
    followed: bool


class Sequence_(msgspec.Struct, frozen=True):  # noqa: N801 -- `Sequence` is everybody's
    """The last sequence that was published for a trader."""

    address: str
    sequence: int


class Known(msgspec.Struct, frozen=True):
    """Who an address is."""

    address: str
    role: str
    master: str | None


class Related(msgspec.Struct, frozen=True):
    """Another address that `address` has to do with: its `leader`, or a `child`."""

    address: str
    other: str
    kind: str


class Cursor(msgspec.Struct, frozen=True):
    """How far long work has come, in words of its own."""

    name: str
    place: str


class HeldRow(msgspec.Struct, frozen=True):
    """What a trader held in a coin from `at_ms` on; size 0 says that it was closed."""

    address: Name
    coin: Name
    at_ms: int
    size: Decimal
    quality: Name
    entry: Decimal | None = None
    leverage: Decimal | None = None
    margin_type: Name | None = None
    mark: Decimal | None = None
    unrealised_pnl: Decimal | None = None
    liquidation_price: Decimal | None = None


class CandleRow(msgspec.Struct, frozen=True):
    """A final candle that opened at `at_ms`."""

    coin: Name
    interval: Name
    at_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int
    origin: Name
    revision: int = 0


class MetricRow(msgspec.Struct, frozen=True):
    """A reading of a slow indicator of `at_ms`, learned at `learned_ms`."""

    metric: Name
    at_ms: int
    value: Decimal
    learned_ms: int
    unit: Name | None = None
    revision: int = 0


class StandingRow(msgspec.Struct, frozen=True):
    """A trader's line of the leaderboard from the snapshot of `at_ms` on.

    Money is whole cents, volume whole dollars, a return millionths. `account_value` None says that
    the trader was no longer listed; a window that was not stated is None.
    """

    address: Name
    at_ms: int
    account_value: int | None = None
    day_pnl: int | None = None
    day_roi: int | None = None
    day_volume: int | None = None
    week_pnl: int | None = None
    week_roi: int | None = None
    week_volume: int | None = None
    month_pnl: int | None = None
    month_roi: int | None = None
    month_volume: int | None = None
    all_time_pnl: int | None = None
    all_time_roi: int | None = None
    all_time_volume: int | None = None


class SnapshotRow(msgspec.Struct, frozen=True):
    """One edition of the leaderboard; if `whole`, no line of an older snapshot holds any more."""

    at_ms: int
    generation: str
    listed: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a row and how it is written."""

    name: str
    kind: Kind
    optional: bool


@dataclass(frozen=True)
class Table(Generic[R]):
    """One kind of row.

    Parameters
    ----------
    key
        The fields that no two rows share; saving a row replaces the one with its key.
    state
        Whether it is small and says how things are, not how they were.
    growing
        Fields that a saved row can only raise.
    """

    name: str
    row: type[R]
    key: tuple[str, ...]
    state: bool = False
    growing: frozenset[str] = frozenset()

    @property
    def timed(self) -> bool:
        """Whether its rows follow each other in time."""
        return self.key[-1] == TIME

    @property
    def subject(self) -> tuple[str, ...]:
        """Whose history a row belongs to: its key without the time."""
        return self.key[:-1] if self.timed else self.key

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The row's fields, in order."""
        hints = get_type_hints(self.row, include_extras=True)
        return tuple(_column(field, hints[field]) for field in self.row.__struct_fields__)

    def key_of(self, row: R) -> tuple[Any, ...]:
        """Return the values that identify `row`."""
        return tuple(getattr(row, part) for part in self.key)

    def merged(self, before: R | None, row: R) -> R:
        """Return what is kept when `row` is saved over `before`."""
        if before is None or not self.growing:
            return row
        raised = {name: max(getattr(before, name), getattr(row, name)) for name in self.growing}
        return msgspec.structs.replace(row, **raised)


TRACKED = Table("tracked_traders", Tracked, ("place",), state=True)
OVERRIDES = Table("overrides", Override, ("address",), state=True)
FOLLOWED = Table("followed_coins", Followed, ("coin",), state=True)
SEQUENCES = Table("sequences", Sequence_, ("address",), state=True, growing=frozenset({"sequence"}))
IDENTITIES = Table("identities", Known, ("address",), state=True)
RELATIONS = Table("relations", Related, ("address", "other"), state=True)
CURSORS = Table("cursors", Cursor, ("name",), state=True)
POSITIONS = Table("positions", HeldRow, ("address", "coin", TIME))
CANDLES = Table("candles", CandleRow, ("coin", "interval", TIME))
METRICS = Table("context_metrics", MetricRow, ("metric", TIME))
LEADERBOARD = Table("leaderboard", StandingRow, ("address", TIME))
SNAPSHOTS = Table("leaderboard_snapshots", SnapshotRow, (TIME,))

TABLES: tuple[Table[Any], ...] = (
    TRACKED,
    OVERRIDES,
    FOLLOWED,
    SEQUENCES,
    IDENTITIES,
    RELATIONS,
    CURSORS,
    POSITIONS,
    CANDLES,
    METRICS,
    LEADERBOARD,
    SNAPSHOTS,
)


def superseded(
    keys: Sequence[tuple[Any, ...]], before_ms: int, bucket_ms: int | None
) -> list[tuple[Any, ...]]:
    """Return the keys that thinning drops: all older than `before_ms` but each bucket's newest.

    Parameters
    ----------
    keys
        Of timed rows, those of one subject together and in time order.
    bucket_ms
        How long a bucket is; None for one bucket, of which only the newest row stays.

    Examples
    --------
    >>> superseded([("a", 1), ("a", 2), ("a", 12), ("a", 13)], before_ms=13, bucket_ms=10)
    [('a', 1)]
    """
    old = [key for key in keys if key[-1] < before_ms]
    return [
        key
        for key, following in pairwise(old)
        if key[:-1] == following[:-1]
        and (bucket_ms is None or key[-1] // bucket_ms == following[-1] // bucket_ms)
    ]


def _column(name: str, hint: Any) -> Column:
    parts = [part for part in get_args(hint) if part is not type(None)]
    optional = type(None) in get_args(hint)
    bare = parts[0] if optional else hint
    if get_origin(bare) is Annotated:
        return Column(name, "name", optional)
    return Column(name, _KINDS[bare], optional)
