"""What became of what was said: one joiner for signals, predictions and alerts.

A claim says that a coin's price will rise, fall or do neither beyond the costs, from a reference
price until a horizon ends. It is resolved by the first price heard that is of that moment or
shortly after it; one that comes late counts as long as the claim is kept open. Then it is given up:
unresolved, which is neither right nor wrong.

Of claims that are repeated all the time, as signals are, the first in each window of the horizon's
length is joined, windows beginning at multiples of it in UTC: outcomes then hardly overlap.

A bet says which of two prices is touched first. It is resolved by closed bars, as
the labels that models are taught: a bar that touches both does not say which came first.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from shared_events.payloads import Outcome
from shared_events.types import Action
from signal_system.domain.claims import Bet, Claim, ClosedBar

_EXACT = Decimal("1E-8")
_REVIEW = timedelta(minutes=10)
_MOST_OPEN = 1_000

_CLASSES: dict[Action, str] = {"BUY": "buy", "SELL": "sell", "NEUTRAL": "hold"}


class Terms(Struct, frozen=True):
    """By what outcomes are told.

    Attributes
    ----------
    cost
        Of a round trip, as a fraction of the price.
    near
        How long after a horizon's end a price may be and yet be that moment's.
    late
        How long after it such a price may still come.
    """

    cost: Decimal
    near: timedelta
    late: timedelta


class Outcomes(Struct):
    """The claims that are open.

    Attributes
    ----------
    claims
        By coin, in the order they were made.
    joined
        The last window joined, by what repeats itself.
    review_at
        When to look for claims to give up.
    """

    claims: dict[str, list[Claim]] = {}
    joined: dict[str, int] = {}
    review_at: datetime | None = None

    def join(self, claim: Claim, repeats: str | None = None) -> bool:
        """Keep `claim` until it is resolved; False if its window has one, or there are too many.

        Parameters
        ----------
        repeats
            Names what says the same all the time, with one claim to be joined a window.
        """
        waiting = self.claims.setdefault(claim.coin, [])
        if len(waiting) >= _MOST_OPEN:
            return False
        if repeats is not None:
            if not self.is_new(repeats, claim.window):
                return False
            self.joined[repeats] = claim.window
        waiting.append(claim)
        return True

    def is_new(self, repeats: str, window: int) -> bool:
        """Tell whether what repeats itself has no claim in `window` yet."""
        return window > self.joined.get(repeats, -1)

    def hear(
        self, coin: str, price: Decimal, at: datetime, now: datetime, terms: Terms
    ) -> Iterator[tuple[Claim, Outcome]]:
        """Yield what is resolved by a price heard `now` that was `at` that moment."""
        waiting = self.claims.get(coin)
        if not waiting:
            return
        told = [
            claim
            for claim in waiting
            if claim.bet is None
            and claim.due <= at <= claim.due + terms.near
            and now <= claim.due + terms.late
        ]
        for claim in told:
            waiting.remove(claim)
            yield claim, resolved(claim, price, terms.cost)

    def see(self, bar: ClosedBar, terms: Terms) -> Iterator[tuple[Bet, Outcome]]:
        """Yield the bets that a closed bar decides, the bars of a coin coming in their order."""
        waiting = self.claims.get(bar.coin, [])
        for claim in [each for each in waiting if each.bet is not None]:
            told = touched(claim, bar, terms.cost)
            if told is not None and claim.bet is not None:
                waiting.remove(claim)
                yield claim.bet, told

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is time to look for claims to `give_up`."""
        return self.review_at is None or now >= self.review_at

    def give_up(self, now: datetime, terms: Terms) -> Iterator[Outcome]:
        """Yield the claims that no price came for in time, as unresolved, if it is time to."""
        if not self.is_due(now):
            return
        self.review_at = now + _REVIEW
        for coin in sorted(self.claims):
            waiting = self.claims[coin]
            late = [claim for claim in waiting if now > claim.due + terms.late]
            for claim in late:
                waiting.remove(claim)
                yield resolved(claim, None, terms.cost)
            if not waiting:
                del self.claims[coin]


def resolved(claim: Claim, price: Decimal | None, cost: Decimal) -> Outcome:
    """Return what became of `claim`, the price at the end of its horizon being `price`.

    Following BUY earns the change less a round trip, SELL the opposite change less it, NEUTRAL
    nothing. BUY and SELL were right if that is more than nothing, NEUTRAL if neither would have been.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> claim = Claim("an-event", "BTC", "SELL", noon, 3600, Decimal(100))
    >>> told = resolved(claim, Decimal(99), Decimal("0.001"))
    >>> told.price_change, told.result_after_costs, told.right
    (Decimal('-0.01000000'), Decimal('0.00900000'), True)
    """
    return _told(claim, price, cost, None)


def touched(claim: Claim, bar: ClosedBar, cost: Decimal) -> Outcome | None:
    """Return what became of `claim`, which is a bet, if `bar` decides it.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon, hour = datetime(2026, 1, 1, 12, tzinfo=UTC), timedelta(hours=1)
    >>> bet = Bet("a-model", Decimal(102), Decimal(98), {})
    >>> claim = Claim("an-event", "BTC", "SELL", noon, 14_400, Decimal(100), bet)
    >>> bar = ClosedBar("BTC", noon, noon + hour, Decimal(103), Decimal(99), Decimal(100))
    >>> told = touched(claim, bar, Decimal("0.001"))
    >>> told.realised, told.right, told.price_change
    ('buy', False, Decimal('0.02000000'))
    """
    bet = claim.bet
    if bet is None or bar.opened_at < claim.said_at:
        return None
    up, down = bar.high >= bet.above, bar.low <= bet.below
    if up and not down:
        return _told(claim, bet.above, cost, "BUY")
    if down and not up:
        return _told(claim, bet.below, cost, "SELL")
    if up or bar.closed_at >= claim.due:
        return _told(claim, bar.close, cost, "NEUTRAL")
    return None


def _told(claim: Claim, price: Decimal | None, cost: Decimal, realised: Action | None) -> Outcome:
    reference = claim.reference_price
    change = result = right = None
    if price is not None:
        change = (price / reference - 1).quantize(_EXACT)
        sides: dict[Action, Decimal] = {"BUY": change - cost, "SELL": -change - cost}
        result = sides.get(claim.action, Decimal(0))
        if realised is None:
            realised = next((side for side, paid in sides.items() if paid > 0), "NEUTRAL")
        right = realised == claim.action
    return Outcome(
        signal_id=claim.id,
        coin=claim.coin,
        horizon_seconds=claim.horizon_seconds,
        action=claim.action,
        resolved_at=claim.due,
        resolved=price is not None,
        reference_price=reference,
        outcome_price=price,
        price_change=change,
        result_after_costs=result,
        right=right,
        realised=realised and _CLASSES[realised],
    )


def came_true(told: Outcome) -> Action | None:
    """Return which action was right; None of what is unresolved.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> claim = Claim("an-event", "BTC", "BUY", noon, 3600, Decimal(100))
    >>> came_true(resolved(claim, Decimal(99), Decimal("0.001")))
    'SELL'
    """
    return next((action for action, name in _CLASSES.items() if name == told.realised), None)
