"""The scraper's numbers in Prometheus's text format."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

from market_scraper.connectors.hyperliquid.breaker import Circuit
from market_scraper.orchestration.degradation import Step
from market_scraper.orchestration.scraper import Scraper

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it out

_CONDITIONS = ("LIVE", "PARTIAL", "STALE", "LOST")


def exposition(scraper: Scraper) -> bytes:
    """Return every number as it is now."""
    sight, registry = scraper.sight(), CollectorRegistry()
    audit = scraper.positions.following.audit
    gauges: dict[str, tuple[str, float | None]] = {
        "tracked_traders": ("Traders on the roster", sight.tracked),
        "anchored_traders": ("Traders whose book is known", sight.anchored),
        "doubtful_traders": ("Traders with a size that may be wrong", sight.doubtful),
        "coverage": ("Share of the tracked whose book is known", _float(sight.coverage)),
        "weight_used_share": ("Share of the request budget in use", sight.budget_used),
        "sockets_open": ("Venue connections that stand", sight.sockets_open),
        "sockets_needed": ("Venue connections there should be", sight.sockets_needed),
        "newest_trade_age_seconds": ("Since the newest public trade", sight.quiet_seconds),
        "ledger_error": ("Share of the audited sizes that were wrong", audit.error),
        "ledger_error_notional": (
            "Share of the audited notional by which sizes were wrong",
            audit.notional_error,
        ),
        "verified_wallets": (
            "Wallets whose own fills are heard",
            len(scraper.positions.verified()),
        ),
        "rows_waiting": ("Rows the store has not taken yet", scraper.keeper.waiting),
        "loop_lateness_seconds": (
            "By how much the event loop wakes up too late",
            scraper.backpressure.load.lateness_seconds,
        ),
        "unpublished_age_seconds": (
            "How long the oldest unpublished event has waited",
            scraper.backpressure.load.age_seconds,
        ),
        "events_waiting": ("Events the bus has not taken yet", scraper.outlet.waiting),
    }
    for name, (what, value) in gauges.items():
        if value is not None:
            Gauge(f"market_scraper_{name}", what, registry=registry).set(value)
    counters: dict[str, tuple[str, float]] = {
        "events": ("Events handed to the bus", scraper.outlet.told),
        "gaps_found": ("Times trades of a coin were missed", sight.gaps_found),
        "gaps_closed": ("Gaps that left no doubt behind", sight.gaps_closed),
        "repairs": (
            "Position sizes that were wrong and corrected",
            scraper.positions.following.repairs,
        ),
        "audited_sizes": ("Sizes nobody doubted, held against the venue's", audit.sizes),
        "wrong_sizes": ("Of those, wrong", audit.wrong),
        "audited_notional_usd": ("What the audited sizes were worth", float(audit.notional)),
        "wrong_notional_usd": ("By how much they were wrong", float(audit.wrong_notional)),
        "unknown_answers": ("States the venue refused", scraper.positions.unknown_answers),
        "rows_seen": ("Positions looked at", scraper.keeper.positions.seen),
        "rows_written": ("Of those, written down", scraper.keeper.positions.written),
        "handovers": ("Connections let go after a successor took over", scraper.feed.handovers),
        "frames_set_aside": ("Websocket frames nobody could read", scraper.feed.set_aside),
    }
    for name, (what, count) in counters.items():
        Counter(f"market_scraper_{name}", what, registry=registry).inc(count)
    circuit = Gauge("market_scraper_circuit", "1 for what holds", ["is"], registry=registry)
    for state in Circuit:
        circuit.labels(state).set(state is scraper.throttle.circuit)
    shed = Gauge("market_scraper_shed", "1 for what is given up", ["step"], registry=registry)
    for step in Step:
        shed.labels(step).set(step in scraper.backpressure.taken)
    condition = Gauge("market_scraper_condition", "1 for what holds", ["is"], registry=registry)
    for name in _CONDITIONS:
        condition.labels(name).set(name == sight.condition)
    _add_collectors(scraper, registry)
    return generate_latest(registry)


def _add_collectors(scraper: Scraper, registry: CollectorRegistry) -> None:
    labels = ["collector"]
    runs = Gauge(
        "market_scraper_collector_runs",
        "1 if it neither waits nor rests",
        labels,
        registry=registry,
    )
    errors = Counter("market_scraper_collector_errors", "Failures", labels, registry=registry)
    succeeded = Gauge(
        "market_scraper_collector_success_timestamp_seconds",
        "When it last did what it is for",
        labels,
        registry=registry,
    )
    for status in scraper.manager.statuses():
        runs.labels(status.name).set(status.state == "running")
        errors.labels(status.name).inc(status.errors)
        if status.succeeded_at is not None:
            succeeded.labels(status.name).set(status.succeeded_at.timestamp())


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))
