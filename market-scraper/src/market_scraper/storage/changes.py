"""Which of the positions that are seen are worth a row: those that changed, and each now and then.

Audits look at every position about once a minute and find most of them as they were. A row is
written if size, leverage, margin type or doubtfulness differ from the last row's, or if that one is
old. What a position is worth moves all the time; it is written along, but is no reason to write.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from market_scraper.positions.numbers import ZERO
from market_scraper.storage.tables import HeldRow
from shared_events.payloads import Position

_DOUBTFUL = frozenset({"suspect", "unknown"})

_Essence = tuple[Decimal, Decimal | None, str | None, bool]


@dataclass(slots=True)
class PositionChanges:
    """What was last written of every open position, and what is to be written next.

    Parameters
    ----------
    most_ms
        After so long a position is written although nothing changed.
    """

    most_ms: int
    seen: int = 0
    written: int = 0
    _last: dict[str, dict[str, tuple[_Essence, int]]] = field(default_factory=dict)
    _next: dict[tuple[str, str], HeldRow] = field(default_factory=dict)

    def see(
        self, address: str, at_ms: int, positions: Iterable[Position], *, whole: bool = False
    ) -> None:
        """Take note of `positions` as of `at_ms`; a `whole` book closes every other one."""
        last = self._last.setdefault(address, {})
        missing = set(last) if whole else set()
        for position in positions:
            missing.discard(position.coin)
            self._see(address, at_ms, position)
        for coin in sorted(missing):
            self._see(address, at_ms, Position(coin=coin, size=ZERO, quality="anchored"))

    def forget(self, address: str) -> None:
        """Nobody looks at `address` any more."""
        self._last.pop(address, None)

    def drain(self) -> list[HeldRow]:
        """Return the rows to write: of several changes of one position the last."""
        rows, self._next = list(self._next.values()), {}
        self.written += len(rows)
        return rows

    def _see(self, address: str, at_ms: int, position: Position) -> None:
        self.seen += 1
        last, coin = self._last[address], position.coin
        before = last.get(coin)
        essence = _essence(position)
        if before is None and not position.size:
            return
        if before and before[0] == essence and at_ms - before[1] < self.most_ms:
            return
        self._next[address, coin] = _row(address, at_ms, position)
        if position.size:
            last[coin] = (essence, at_ms)
        else:
            last.pop(coin, None)


def _essence(position: Position) -> _Essence:
    return (
        position.size,
        position.leverage,
        position.margin_type,
        position.quality in _DOUBTFUL,
    )


def _row(address: str, at_ms: int, position: Position) -> HeldRow:
    return HeldRow(
        address=address,
        coin=position.coin,
        at_ms=at_ms,
        size=position.size,
        quality=position.quality,
        entry=position.entry,
        leverage=position.leverage,
        margin_type=position.margin_type,
        mark=position.mark,
        unrealised_pnl=position.unrealised_pnl,
        liquidation_price=position.liquidation_price,
    )
