"""The conditions of an opinion: a signal that fails any is NEUTRAL and says which."""

from dataclasses import dataclass

from msgspec import structs

from shared_events.payloads import Gate
from shared_events.types import Action, Freshness
from signal_system.domain.circumstances import Circumstances
from signal_system.domain.rules import Rules
from signal_system.signal_generation.aggregation import Pool
from signal_system.signal_generation.costs import Trip

Gates = tuple[Gate, ...]

_SILENT_SOURCES = ("LOST", "STALE")


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: one coin's pooled opinion, and what speaks for or against it.

    Attributes
    ----------
    price_age
        None: no price.
    lead
        By how much the classifier in service holds the pool's side to be likelier than the other;
        None if none serves.
    against
        Share of the independent voices that is on the other side.
    entropy
        Of the regime's probabilities, 1 if all are alike; None if nobody names any.
    trip
        What following it takes and a move brings, over the horizon in question.
    """

    pool: Pool
    price_age: float | None
    held: Action
    lead: float | None = None
    against: float = 0.0
    entropy: float | None = None
    trip: Trip | None = None


@dataclass(frozen=True, slots=True)
class SharedGates:
    """What all coins share at one moment; when `verdict` changes, every coin is decided anew."""

    gates: Gates
    status: Freshness

    @property
    def verdict(self) -> tuple[bool | str, ...]:
        """Return which of the gates are open, and the status."""
        return (*(gate.passed for gate in self.gates), self.status)


def shared_gates(seen: Circumstances, rules: Rules) -> SharedGates:
    """Judge how well everything is seen."""
    freshness = _at_most("freshness", seen.data_age, seen.freshness_limit)
    source = _source(seen)
    coverage = _at_least("coverage", seen.coverage, rules.min_coverage)
    status: Freshness = "PARTIAL"
    if not (freshness.passed and source.passed):
        status = "STALE"
    elif seen.source == "LIVE" and (seen.coverage or 0) >= rules.full_coverage:
        status = "LIVE"
    return SharedGates((freshness, source, coverage), status)


def judged(case: Case, seen: Circumstances, shared: SharedGates, rules: Rules) -> Gates:
    """Judge `case`; the first gate that is shut is the reason to give."""
    return (*common_gates(case, seen, shared, rules), *horizon_gates(case, rules))


def common_gates(case: Case, seen: Circumstances, shared: SharedGates, rules: Rules) -> Gates:
    """Judge what holds over every horizon and whatever is held."""
    pool = case.pool
    return (
        _at_most("reference_price", case.price_age, seen.price_limit),
        *shared.gates,
        _at_least("distinct_voters", pool.voters, rules.min_voters),
        _at_least("independent_voters", pool.independent_voters, rules.min_independent_voters),
        *_classifier(case.lead),
    )


def horizon_gates(case: Case, rules: Rules) -> Gates:
    """Judge what differs by horizon: what is held there, which is eased, and what it costs.

    Conviction comes last: the one that more money could open.
    """
    tilt = case.pool.tilt
    kept = case.held != "NEUTRAL" and (case.held == "BUY") == (tilt > 0)
    ease = rules.slack if kept else 0.0
    most_entropy = min(1.0, rules.max_regime_entropy * (1 + ease))
    return (
        _at_most("disagreement", case.against, min(1.0, rules.max_disagreement * (1 + ease))),
        _if_known("regime_entropy", case.entropy, most_entropy, "no regime with probabilities"),
        *_costs(case.trip, 1 - ease),
        _at_least("conviction", abs(tilt), rules.conviction_kept if kept else rules.conviction),
    )


def action(gates: Gates, tilt: float) -> Action:
    """Return the side the pool leans to, if every gate is open."""
    if not all(gate.passed for gate in gates):
        return "NEUTRAL"
    return "BUY" if tilt > 0 else "SELL"


def first_shut(gates: Gates) -> str | None:
    """Return the name of the first gate that is shut, None if all are open."""
    return next((gate.name for gate in gates if not gate.passed), None)


def _classifier(lead: float | None) -> Gates:
    """Let a classifier keep back an opinion that it contradicts; it never makes one."""
    return () if lead is None else (_at_least("classifier", lead, 0.0),)


def _costs(trip: Trip | None, share: float) -> Gates:
    """Ask whether what a move brings pays for it; before any window has closed nobody knows."""
    if trip is None:
        return ()
    said = f"assumed: {' and '.join(trip.unknown)} unknown" if trip.unknown else ""
    if trip.margin is None:
        reason = "not applicable: no window of this horizon has closed"
        return (Gate(name="costs", value=None, threshold=trip.cost, passed=True, reason=reason),)
    gate = _at_least("costs", trip.margin, trip.cost * share if trip.cost > 0 else 0.0)
    return (structs.replace(gate, reason=said),)


def _if_known(name: str, value: float | None, limit: float, missing: str) -> Gate:
    """Judge `value` where there is one; the gate does not apply where there is none."""
    if value is None:
        reason = f"not applicable: {missing}"
        return Gate(name=name, value=None, threshold=limit, passed=True, reason=reason)
    return _at_most(name, value, limit)


def _source(seen: Circumstances) -> Gate:
    gate = _at_most("source", seen.heartbeat_age, seen.heartbeat_limit)
    if seen.source not in _SILENT_SOURCES:
        return gate
    return Gate(
        name="source",
        value=gate.value,
        threshold=gate.threshold,
        passed=False,
        reason=f"the source says {seen.source}",
    )


def _at_most(name: str, value: float | None, limit: float) -> Gate:
    if value is None:
        return _unknown(name, limit)
    return Gate(name=name, value=value, threshold=limit, passed=value <= limit)


def _at_least(name: str, value: float | None, limit: float) -> Gate:
    if value is None:
        return _unknown(name, limit)
    return Gate(name=name, value=float(value), threshold=float(limit), passed=value >= limit)


def _unknown(name: str, limit: float) -> Gate:
    return Gate(name=name, value=None, threshold=limit, passed=False, reason="unknown")
