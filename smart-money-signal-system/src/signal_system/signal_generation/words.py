"""A signal in one sentence: what it rests on and what would end it, or why there is no opinion."""

from collections.abc import Sequence
from decimal import Decimal

from shared_events.payloads import Contribution, Gate
from shared_events.types import Action

_SCALES = ((Decimal(10**9), " bn"), (Decimal(10**6), " M"), (Decimal(10**3), " k"))


def in_words(
    action: Action,
    score: float,
    kept_score: float,
    gates: Sequence[Gate],
    supporting: Sequence[Contribution],
    cost_to_flip: Decimal | None,
) -> str:
    """Return the sentence.

    Parameters
    ----------
    kept_score
        The score down to which an opinion is kept.
    supporting
        The largest stakes on its side, largest first, each with the score missing without it.

    Examples
    --------
    >>> voice = Contribution(address="0x" + "ab" * 20, weight=1.0, exposure=None, effect=0.3)
    >>> in_words("BUY", 0.35, 0.075, (), (voice,), Decimal(4_100_000))
    'BUY: the score is 0.35; without 0xabab..abab NEUTRAL; ends if 4.10 M USD more go short.'
    >>> gate = Gate(name="coverage", value=0.31, threshold=0.5, passed=False)
    >>> in_words("NEUTRAL", 0.35, 0.075, (gate,), (voice,), None)
    'NEUTRAL: coverage is 0.31 where 0.5 is asked for.'
    """
    shut = next((gate for gate in gates if not gate.passed), None)
    if shut is not None:
        return f"NEUTRAL: {_of(shut)}{_wanting(shut, score, cost_to_flip)}."
    parts = [f"{action}: the score is {score:.2f}"]
    single = next(
        (each for each in supporting if _ends(score - each.effect, score, kept_score)), None
    )
    if single is not None:
        parts.append(f"without {single.address[:6]}..{single.address[-4:]} NEUTRAL")
    if cost_to_flip is not None:
        side = "short" if action == "BUY" else "long"
        parts.append(f"ends if {amount(cost_to_flip)} USD more go {side}")
    return "; ".join(parts) + "."


def amount(usd: Decimal) -> str:
    """Return a sum that a person reads at a glance.

    Examples
    --------
    >>> amount(Decimal("4100000")), amount(Decimal("999.5"))
    ('4.10 M', '999.50')
    """
    scale, name = next((each for each in _SCALES if usd >= each[0]), (Decimal(1), ""))
    return f"{usd / scale:.2f}{name}"


def _ends(without: float, score: float, kept_score: float) -> bool:
    """Tell whether the opinion would end at the score `without` somebody."""
    return without * score <= 0 or abs(without) < kept_score


def _of(gate: Gate) -> str:
    name = gate.name.replace("_", " ")
    if gate.value is None:
        return f"{name} is not known"
    said = f" ({gate.reason})" if gate.reason else ""
    return f"{name} is {gate.value:.3g} where {gate.threshold:.3g} is asked for{said}"


def _wanting(gate: Gate, score: float, cost: Decimal | None) -> str:
    if gate.name != "conviction" or cost is None:
        return ""
    action, side = ("BUY", "long") if score >= 0 else ("SELL", "short")
    return f"; {action} if {amount(cost)} USD more go {side}"
