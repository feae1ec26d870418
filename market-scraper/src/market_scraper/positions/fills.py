"""What a trader's own fills prove of its positions.

A fill names its public trade and the size before it. So the last block in which a coin was filled says
what was held after it, exactly, and every public trade of a later block can be added: no two clocks have
to be compared. Fills also tell what no public trade does: auto-deleveraging, takeovers, settlements.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from market_scraper.moments import milliseconds
from market_scraper.positions.anchors import Base, Proof
from market_scraper.positions.coins import dex_of
from market_scraper.positions.ledger import Delta, normal
from shared_events.payloads import TraderFill

MOST_IN_SNAPSHOT = 2_000
"""A snapshot of so many fills may have been cut off inside its oldest block."""

FIRST_MS = 3_600_000
MOST_REMEMBERED = 1_000


def proofs(fills: Sequence[TraderFill], until_ms: int = 0) -> list[Proof]:
    """Return what `fills` of one trader, in the order of their execution, prove; a coin at most once.

    Pairs of tokens and answers to questions are balances, no positions: they prove nothing.

    Parameters
    ----------
    until_ms
        Up to when these are all there were, if that is later than the last.
    """
    cut_ms = milliseconds(fills[0].at) if len(fills) >= MOST_IN_SNAPSHOT else None
    perpetuals = [fill for fill in fills if dex_of(fill.coin) is not None]
    by_coin = groupby(sorted(perpetuals, key=lambda fill: fill.coin), key=lambda fill: fill.coin)
    found = (_proof(coin, list(group), cut_ms, until_ms) for coin, group in by_coin)
    return [proof for proof in found if proof is not None]


def _proof(coin: str, fills: list[TraderFill], cut_ms: int | None, until_ms: int) -> Proof | None:
    last_ms = _ms(fills[-1])
    block = [fill for fill in fills if _ms(fill) == last_ms]
    last = _last(block)
    if last.start_position is None or last_ms == cut_ms:
        return None
    alone = _with_others(fills)
    size = last.start_position + (_signed(last) if last in alone else 0)
    return Proof(
        coin=coin,
        base=Base(last_ms, frozenset(fill.tid for fill in block)),
        until_ms=max(last_ms, until_ms),
        size=normal(size),
        deltas=tuple(map(_delta, alone)),
        liquidation=any(fill.liquidation for fill in fills),
    )


def _last(block: list[TraderFill]) -> TraderFill:
    """Return the fill that says what was held in the end: a trade with oneself says it as well."""
    return (_with_others(block) or block)[-1]


def _with_others(fills: Iterable[TraderFill]) -> list[TraderFill]:
    """Return `fills` without trades with oneself: two rows of one trade, both from the same size."""
    kept = list(fills)
    sides: dict[tuple[int, int], set[str]] = {}
    for fill in kept:
        sides.setdefault((_ms(fill), fill.tid), set()).add(fill.side)
    return [fill for fill in kept if len(sides[_ms(fill), fill.tid]) == 1]


def _delta(fill: TraderFill) -> Delta:
    return Delta(
        fill.coin,
        _ms(fill),
        fill.tid,
        _signed(fill),
        fill.price,
        taker=bool(fill.crossed),
        twap=fill.twap_id is not None,
    )


def _signed(fill: TraderFill) -> Decimal:
    return fill.size if fill.side == "buy" else -fill.size


def _ms(fill: TraderFill) -> int:
    return milliseconds(fill.at)


@dataclass(slots=True)
class FillNews:
    """Which fills were told already: every connection begins with a snapshot of the last ones.

    Of a trader that is listened to for the first time, those of the last hour are news.
    """

    _newest: dict[str, tuple[int, set[tuple[str, int, str]]]] = field(default_factory=dict)

    def take(self, address: str, fills: Sequence[TraderFill]) -> list[TraderFill]:
        """Return those of `fills`, oldest first, that were not told before."""
        if not fills:
            return []
        newest_ms, told = self._newest.pop(address, (_ms(fills[-1]) - FIRST_MS, set()))
        news = [
            fill
            for fill in fills
            if _ms(fill) > newest_ms or (_ms(fill) == newest_ms and _key(fill) not in told)
        ]
        last_ms = max(newest_ms, _ms(fills[-1]))
        kept = told if last_ms == newest_ms else set()
        self._newest[address] = last_ms, kept | {_key(f) for f in news if _ms(f) == last_ms}
        while len(self._newest) > MOST_REMEMBERED:
            del self._newest[next(iter(self._newest))]
        return news


def _key(fill: TraderFill) -> tuple[str, int, str]:
    return fill.coin, fill.tid, fill.side
