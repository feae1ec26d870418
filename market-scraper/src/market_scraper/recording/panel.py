"""A panel of leaderboard wallets: whole books of many traders, every few hours.

Three Parquet files: ``positions`` (one row a position), ``traders`` (one row a wallet of a snapshot's
ranking, ``daily`` and ``weekly``), ``markets_first4`` (marks of the first snapshots). Each snapshot
tells only what it says itself:

* A wallet with no positions is flat; a wallet that is not in it is unknown, and nothing is said.
* A mark that is not recorded is derived: the median over traders of position value by size.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, cast

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from market_scraper.errors import RecordingError
from market_scraper.moments import moment
from market_scraper.positions.ledger import classify
from market_scraper.positions.numbers import ZERO, plainly, quotient
from market_scraper.positions.roster import Member, Overrides, choose, turnover
from market_scraper.positions.scoring import SCORE_VERSION, Result, Standing
from market_scraper.recording.told import Told
from shared_events.payloads import (
    MarketContext,
    Performance,
    Position,
    PositionChange,
    SourceStatus,
    TrackedTrader,
    TraderPositions,
    TraderProfile,
    Window,
)

NAME = "hyperliquid"
LEAST_ACCOUNT_VALUE = Decimal(1_000)
_FILES = ("positions.parquet", "traders.parquet")
_MARKETS = "markets_first4.parquet"
_WINDOWS: Mapping[str, Window] = {"daily": "day", "weekly": "week"}
_SINGLE = Context(prec=7)
_DOUBLE = Context(prec=15)
_MOST_TRADERS = 20_000

_Row = Mapping[str, Any]


def is_panel(path: Path) -> bool:
    """Tell whether `path` is a folder with a panel in it."""
    return all((path / name).is_file() for name in _FILES)


@dataclass(slots=True)
class Panel:
    """The recording, one snapshot at a time.

    Raises
    ------
    RecordingError
        If the files do not hold what the module's description says.
    """

    folder: Path
    snapshots: tuple[int, ...] = ()
    cadence_seconds: float | None = None
    _positions: pa.Table = field(init=False)
    _traders: pa.Table = field(init=False)
    _markets: pa.Table | None = field(init=False)

    def __post_init__(self) -> None:
        self._positions, self._traders = (_read(self.folder / name) for name in _FILES)
        markets = self.folder / _MARKETS
        self._markets = _read(markets) if markets.is_file() else None
        self.snapshots = tuple(sorted(pc.unique(self._traders["snapshot_ms"]).to_pylist()))
        gaps = [(after - before) / 1000 for before, after in pairwise(self.snapshots)]
        self.cadence_seconds = median(gaps) if gaps else None

    def told(self) -> Iterator[Told]:
        """Yield every fact in time order."""
        teller = _Teller(self.cadence_seconds)
        for ms in self.snapshots:
            at = moment(ms)
            wallets = _wallets(_at(self._traders, ms))
            books = _books(_at(self._positions, ms), wallets)
            markets = _at(self._markets, ms) if self._markets is not None else []
            for fact in teller.snapshot(ms, wallets, books, markets):
                yield Told(at, fact)


@dataclass(slots=True)
class _Teller:
    """What has to be remembered from one snapshot to the next."""

    cadence_seconds: float | None
    roster: dict[str, Member] = field(default_factory=dict)
    books: dict[str, dict[str, Position]] = field(default_factory=dict)

    def snapshot(
        self,
        ms: int,
        wallets: Mapping[str, Standing],
        books: Mapping[str, dict[str, Position]],
        markets: Sequence[_Row],
    ) -> Iterator[Any]:
        """Yield what the snapshot at `ms` says, and what that changes."""
        at = moment(ms)
        yield SourceStatus(
            name=NAME,
            at=at,
            status="LIVE",
            detail="recording: whole books of leaderboard wallets",
            recording=True,
            cadence_seconds=self.cadence_seconds,
            coverage=Decimal(1),
            tracked=len(wallets),
            anchored=len(books),
        )
        yield from self._roster(at, wallets)
        for address in sorted(wallets):
            yield _profile(at, wallets[address])
        yield from _contexts(at, books, markets)
        for address in sorted(books):
            yield self._book(ms, wallets[address], books[address])

    def _roster(self, at: datetime, wallets: Mapping[str, Standing]) -> Iterator[TrackedTrader]:
        nobody = Overrides()
        after = choose(
            wallets.values(), self.roster.keys(), nobody, _MOST_TRADERS, LEAST_ACCOUNT_VALUE
        )
        left = turnover(self.roster, after, wallets, nobody, LEAST_ACCOUNT_VALUE).left
        for address in sorted(left):
            yield TrackedTrader(address=address, tracked=False, reason=left[address], at=at)
        for address, member in sorted(after.items()):
            before = self.roster.get(address)
            if before is None or before.score != member.score:
                yield TrackedTrader(
                    address=address,
                    tracked=True,
                    reason=member.reason,
                    at=at,
                    score=member.score,
                    score_version=SCORE_VERSION,
                )
        self.roster = after

    def _book(self, ms: int, wallet: Standing, book: dict[str, Position]) -> TraderPositions:
        at, before = moment(ms), self.books.get(wallet.address)
        self.books[wallet.address] = book
        return TraderPositions(
            address=wallet.address,
            sequence=ms,
            as_of=at,
            full=True,
            positions=tuple(book[coin] for coin in sorted(book)),
            account_value=wallet.account_value,
            account_value_at=at,
            changes=() if before is None else tuple(_changes(before, book)),
        )


def _changes(
    before: Mapping[str, Position], after: Mapping[str, Position]
) -> Iterator[PositionChange]:
    for coin in sorted(before.keys() | after.keys()):
        old = before[coin].size if coin in before else ZERO
        new = after[coin].size if coin in after else ZERO
        kind = classify(old, new)
        if kind is None:
            continue
        price = after[coin].mark if coin in after else None
        yield PositionChange(
            coin=coin,
            kind=kind,
            size_before=old,
            size_after=new,
            cause="replay",
            price=price,
            notional=None if price is None else plainly(abs(new - old) * price),
        )


def _contexts(
    at: datetime, books: Mapping[str, Mapping[str, Position]], markets: Sequence[_Row]
) -> Iterator[MarketContext]:
    recorded = {row["name"]: row for row in markets}
    marks: dict[str, list[Decimal]] = {}
    for book in books.values():
        for coin, held in book.items():
            if held.mark is not None:
                marks.setdefault(coin, []).append(held.mark)
    for coin in sorted(marks.keys() | recorded.keys()):
        row = recorded.get(coin)
        if row is None:
            yield MarketContext(coin=coin, at=at, mark=plainly(_SINGLE.plus(median(marks[coin]))))
        else:
            yield _recorded_context(at, row)


def _recorded_context(at: datetime, row: _Row) -> MarketContext:
    return MarketContext(
        coin=row["name"],
        at=at,
        mark=_decimal(row["markPx"], _DOUBLE),
        oracle=_decimal(row["indexPx"], _DOUBLE),
        funding=_decimal(row["funding"], _DOUBLE),
        open_interest=_decimal(row["openInterestCoins"], _DOUBLE),
        day_volume=_decimal(row["volume24h"], _DOUBLE),
        max_leverage=row["maxLeverage"],
    )


def _profile(at: datetime, wallet: Standing) -> TraderProfile:
    return TraderProfile(
        address=wallet.address,
        at=at,
        account_value=wallet.account_value,
        windows={
            name: Performance(pnl=made.pnl, roi=made.roi, volume=made.volume)
            for name, made in wallet.results.items()
        },
    )


def _wallets(rows: Sequence[_Row]) -> dict[str, Standing]:
    """Return one standing a wallet; the rankings it is in are its windows."""
    wallets: dict[str, Standing] = {}
    for row in rows:
        address, window = row["address"].lower(), _WINDOWS.get(row["cohort"])
        if window is None:
            raise RecordingError(f"{row['cohort']!r} is no ranking we know")
        known = wallets.get(address)
        result = Result(
            pnl=_known(row["pnl"]), roi=_known(row["roi"]), volume=_known(row["volume"])
        )
        wallets[address] = Standing(
            address=address,
            account_value=_known(row["account_value"]),
            results={**(known.results if known else {}), window: result},
        )
    return wallets


def _books(rows: Sequence[_Row], wallets: Mapping[str, Standing]) -> dict[str, dict[str, Position]]:
    """Return a book for every wallet of the snapshot, an empty one for the flat."""
    books: dict[str, dict[str, Position]] = {address: {} for address in wallets}
    for row in rows:
        address = row["address"].lower()
        if address not in books:
            raise RecordingError(f"{address} has a position but is in no ranking")
        position = _position(row)
        books[address][position.coin] = position
    return books


def _position(row: _Row) -> Position:
    held = _known(row["size"], _DOUBLE)
    if held <= 0 or row["direction"] not in {"Long", "Short"}:
        raise RecordingError(f"a {row['direction']!r} position of {held} {row['coin']}")
    value = _known(row["position_value"])
    return Position(
        coin=row["coin"],
        size=held if row["direction"] == "Long" else -held,
        quality="anchored",
        entry=_decimal(row["entry_px"]),
        mark=quotient(value, held, _SINGLE),
        notional=value,
        leverage=_decimal(row["leverage"]),
        liquidation_price=_decimal(row["liquidation_px"]),
        unrealised_pnl=_decimal(row["unrealized_pnl"]),
        anchored_at=moment(row["snapshot_ms"]),
    )


def _decimal(value: float | None, precision: Context = _SINGLE) -> Decimal | None:
    """Return a recorded float as the shortest number it can have been, in single precision by default.

    Examples
    --------
    >>> _decimal(0.7015060186386108)
    Decimal('0.701506')
    """
    if value is None:
        return None
    exact = Decimal(repr(float(value)))
    if not exact.is_finite():
        return None
    return plainly(precision.plus(exact).normalize(_DOUBLE))


def _known(value: float | None, precision: Context = _SINGLE) -> Decimal:
    number = _decimal(value, precision)
    if number is None:
        raise RecordingError("a number is missing")
    return number


def _at(table: pa.Table, ms: int) -> list[_Row]:
    chosen = table.filter(pc.equal(table["snapshot_ms"], ms))
    return cast(list[_Row], chosen.to_pylist())


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as e:
        raise RecordingError(f"{path} is no Parquet file: {e}") from e
