"""The compact list: one row per coin, each encoded once and kept until its coin is decided anew."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from msgspec import Raw, Struct, json

from shared_events.types import Action, Freshness
from signal_system.domain.moves import HORIZONS
from signal_system.fold import Fold
from signal_system.signal_generation.gates import first_shut, shared_gates
from signal_system.signal_generation.processor import Decision

LIST_HORIZON = HORIZONS[1]

_FIRST = ("BTC", "ETH", "SOL")
_encoder = json.Encoder()


class Row(Struct):
    """One coin at a glance; see `SignalSchema` for the meanings, None is "not known"."""

    coin: str
    action: Action
    confidence: float
    calibrated: bool
    probability_up: float
    score: float
    horizon_seconds: int
    status: Freshness
    voters: int
    independent_voters: float
    coverage: float | None
    data_age_seconds: float | None
    as_of: datetime
    reference_price: Decimal | None
    net_exposure: Decimal | None
    regime: str | None
    failed_gate: str | None


class RowList(Struct):
    """The list; ``as_of`` is when its newest row was decided."""

    signals: list[Raw]
    as_of: datetime | None
    status: Freshness | None
    regime: str | None
    journal_position: int


@dataclass(frozen=True, slots=True)
class _Kept:
    raw: bytes
    place: tuple[int, Decimal, str]
    as_of: datetime


class Rows:
    """Keeps the rows of `fold` encoded.

    Parameters
    ----------
    fold
        Asked for the coins that changed since it was last asked.
    """

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._rows: dict[str, _Kept] = {}
        self._list = _encoder.encode(RowList([], None, None, None, -1))

    def encoded(self) -> bytes:
        """Return the list as JSON; the same bytes until something changed."""
        processor = self._fold.processor
        changed, processor.changed = processor.changed, set()
        known = changed & processor.memory.opinions.keys()
        for coin in known:
            decision = processor.decision(coin)
            if decision is not None:
                self._rows[coin] = self._row(decision)
        if known:
            self._list = self._encoded()
        return self._list

    def _encoded(self) -> bytes:
        kept = sorted(self._rows.values(), key=lambda row: row.place)
        seen, rules = self._fold.state.circumstances(), self._fold.config.rules
        whole = RowList(
            signals=[Raw(row.raw) for row in kept],
            as_of=max(row.as_of for row in kept),
            status=shared_gates(seen, rules).status if seen else None,
            regime=self._regime(rules.market_coin),
            journal_position=self._fold.position,
        )
        return _encoder.encode(whole)

    def _row(self, decision: Decision) -> _Kept:
        pool, market, view = decision.pool, decision.market, decision.views[LIST_HORIZON]
        row = Row(
            coin=decision.coin,
            action=view.action,
            confidence=view.confidence,
            calibrated=view.calibrated,
            probability_up=pool.probability_up,
            score=pool.score,
            horizon_seconds=LIST_HORIZON,
            status=decision.status,
            voters=pool.voters,
            independent_voters=pool.independent_voters,
            coverage=decision.seen.coverage,
            data_age_seconds=decision.seen.data_age,
            as_of=decision.seen.now,
            reference_price=market.mark if market else None,
            net_exposure=decision.net,
            regime=self._regime(decision.coin),
            failed_gate=first_shut(view.gates),
        )
        return _Kept(_encoder.encode(row), _place(decision), decision.seen.now)

    def _regime(self, coin: str) -> str | None:
        found = self._fold.state.regimes.of(coin)
        return found.standing.state if found else None


def _place(decision: Decision) -> tuple[int, Decimal, str]:
    """Sort the majors first, then by gross exposure, then by name."""
    coin = decision.coin
    rank = _FIRST.index(coin) if coin in _FIRST else len(_FIRST)
    gross = decision.usd(decision.exposure.gross) or Decimal(0)
    return rank, -gross, coin
