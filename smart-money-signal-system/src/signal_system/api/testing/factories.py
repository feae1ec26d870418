"""Signals, rows and a status with the one field you care about set."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from shared_events.payloads import Contribution, Gate, Models, Regime, RegimeView, Signal
from shared_events.testing.factories import NOON, an_address
from signal_system.api.port import Progress, Status
from signal_system.api.schemas import SignalRow


def a_signal(**fields: Any) -> Signal:
    """Return a BUY of BTC over four hours, decided at noon, with `fields` set."""
    given: dict[str, Any] = {
        "coin": "BTC",
        "horizon_seconds": 14_400,
        "action": "BUY",
        "score": 0.83,
        "probability_up": 0.696,
        "confidence": 0.531,
        "calibrated": False,
        "status": "LIVE",
        "as_of": NOON,
        "valid_until": NOON + timedelta(hours=4),
        "freshness_limit_seconds": 120.0,
        "voters": 112,
        "independent_voters": 48.2,
        "independence_method": "sub-accounts merged",
        "scheme": "score/100",
        "arm": "baseline",
        "config_hash": "c0ffee",
        "journal_position": 7,
        "prev_hash": "00",
        "hash": "01",
        "reference_price": Decimal(100_000),
        "reference_price_at": NOON,
        "data_age_seconds": 0.4,
        "coverage": 0.913,
        "net_exposure": Decimal("41200000.50"),
        "net_exposure_change": Decimal(1250000),
        "long_exposure": Decimal("90100000.50"),
        "short_exposure": Decimal(48900000),
        "cost_to_flip_usd": Decimal(18400000),
        "regime": RegimeView(state="bull", probability=0.81, scope="market"),
        "contributions_for": (
            _contribution(1, 0.21, 12_400_000),
            _contribution(2, 0.13, 6_000_000),
        ),
        "contributions_against": (_contribution(3, -0.09, -4_100_000),),
        "gates": (
            Gate(name="freshness", value=0.4, threshold=120.0, passed=True),
            Gate(name="independent_voters", value=48.2, threshold=5.0, passed=True),
        ),
        "models": Models(regime="band-1"),
    }
    return Signal(**given | fields)


def a_row(signal: Signal) -> SignalRow:
    """Return the row that stands for `signal` in the list."""
    return SignalRow(
        coin=signal.coin,
        action=signal.action,
        confidence=signal.confidence,
        calibrated=signal.calibrated,
        score=signal.score,
        probability_up=signal.probability_up,
        horizon_seconds=signal.horizon_seconds,
        status=signal.status,
        voters=signal.voters,
        independent_voters=signal.independent_voters,
        as_of=signal.as_of,
        coverage=signal.coverage,
        data_age_seconds=signal.data_age_seconds,
        reference_price=signal.reference_price,
        net_exposure=signal.net_exposure,
        regime=signal.regime.state if signal.regime else None,
        failed_gate=next((gate.name for gate in signal.gates if not gate.passed), None),
    )


def a_regime(**fields: Any) -> Regime:
    """Return a bull market of twelve bars, with `fields` set."""
    given: dict[str, Any] = {
        "scope": "market",
        "at": NOON,
        "interval": "1h",
        "state": "bull",
        "age_bars": 12,
        "model_version": "ma-band-100-2.0",
        "probabilities": {"bull": 0.81, "neutral": 0.15, "bear": 0.04},
    }
    return Regime(**given | fields)


def a_status(**fields: Any) -> Status:
    """Return the status of a service that has been live for an hour, with `fields` set."""
    given: dict[str, Any] = {
        "version": "0.1.0",
        "now": NOON,
        "started_at": NOON - timedelta(hours=1),
        "event_time": NOON - timedelta(seconds=1),
        "journal_position": 7,
        "events_applied": 6,
        "duplicates_ignored": 1,
        "dead_letters": 0,
        "lag": {"trader_positions": 0},
        "newest": {"trader_positions": NOON - timedelta(seconds=1)},
        "sources": {"hyperliquid": "LIVE"},
        "progress": a_progress(),
        "config_hash": "c0ffee",
        "state_hash": "5747",
        "chain_hash": "01",
        "models": {"regime-BTC": "0.1.0-20260101-5f08983-c0ffee"},
        "challengers": {},
        "degraded": {},
        "retrain": {},
    }
    return Status(**given | fields)


def a_progress(**fields: Any) -> Progress:
    """Return the progress of a finished start, with `fields` set."""
    given: dict[str, Any] = {
        "phase": "live",
        "message": "Live.",
        "tracked": 500,
        "known": 492,
        "coverage": 0.984,
        "signals": 3,
    }
    return Progress(**given | fields)


def _contribution(number: int, effect: float, exposure: int) -> Contribution:
    return Contribution(
        address=an_address(number),
        weight=0.02 * number,
        exposure=Decimal(exposure),
        effect=effect,
        dimensions={"performance": 0.7, "size": 1.1},
    )
