"""Who on the roster holds what, folded from events as they were recorded."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

from shared_events.envelope import StandardEvent
from shared_events.payloads import SourceStatus, TrackedTrader, TraderPositions
from signal_system.domain.exposure import SIZE_SCALE, size_units
from signal_system.domain.sources import Sources
from signal_system.domain.trader import Trader
from signal_system.ml.features.positioning import Counted, Member, Positioning, positioning

FRESH_SECONDS = 7_200.0
"""How old a book may be; a recording that declares its cadence may be twice that old."""

MAX_TRADERS = 100_000


class Books(Struct):
    """The traders by address, what their accounts are worth, and what was traded of each coin.

    Attributes
    ----------
    traded
        By coin, in hundred-millionths of it: the sum of all changes of sizes since the beginning.
    """

    traders: dict[str, Trader] = {}
    equity: dict[str, float] = {}
    traded: dict[str, int] = {}
    sources: Sources = field(default_factory=Sources)

    def hear(self, record: StandardEvent[Any]) -> None:
        """Take what an event says of traders; others say nothing."""
        match record.type:
            case "trader_positions":
                self._on_positions(record.data, record.recorded_at)
            case "tracked_traders":
                self._on_roster(record.data, record.recorded_at)
            case "source_status":
                told: SourceStatus = record.data
                self.sources.hear(told, min(told.at, record.recorded_at))

    def positioning(self, coin: str, at: datetime, traded: float | None) -> Positioning:
        """Return what the roster holds of `coin`, as it is known `at` that moment."""
        oldest = at - timedelta(seconds=self.sources.freshness_seconds(FRESH_SECONDS))
        tracked = known = 0
        holders = list[Member]()
        for trader in self.traders.values():
            if trader.tracked:
                tracked += 1
                verified_at = trader.verified_at
                if verified_at is not None and verified_at >= oldest:
                    known += 1
                    holders += self._holder(trader, coin)
        return positioning(holders, Counted(tracked, known), traded)

    def _holder(self, trader: Trader, coin: str) -> tuple[Member, ...]:
        held = trader.book.get(coin)
        if held is None or not held.voice:
            return ()
        score = None if trader.score is None else float(trader.score)
        return (Member(held.voice / SIZE_SCALE, self.equity.get(trader.address), score),)

    def _on_positions(self, told: TraderPositions, at: datetime) -> None:
        trader = self._trader(told.address)
        if trader is None or trader.hear(told, min(told.as_of, at)) is None:
            return
        if told.account_value is not None:
            self.equity[told.address] = float(told.account_value)
        if trader.tracked:
            for change in told.changes:
                before, after = size_units(change.size_before), size_units(change.size_after)
                if before is not None and after is not None:
                    so_far = self.traded.get(change.coin, 0)
                    self.traded[change.coin] = so_far + abs(after - before)

    def _on_roster(self, told: TrackedTrader, at: datetime) -> None:
        trader = self._trader(told.address)
        if trader is not None:
            trader.enrol(told if told.at <= at else told.model_copy(update={"at": at}))

    def _trader(self, address: str) -> Trader | None:
        if address not in self.traders and len(self.traders) < MAX_TRADERS:
            self.traders[address] = Trader(address=address)
        return self.traders.get(address)
