"""Numbers for Prometheus: the read model's own, asked when scraped, and how fast the API answers."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from signal_system.api.port import ReadModel, Status

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Collects and prints.

    Parameters
    ----------
    read_model
        Asked for its status at every scrape; nothing is counted twice.
    """

    def __init__(self, read_model: ReadModel) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_StatusCollector(read_model))
        self._latency = Histogram(
            "signal_system_api_seconds",
            "Time to answer a request, by route.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one answer; paths that are no route share one label, so that it stays bounded."""
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if route != "unmatched" else "any"
        self._latency.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _StatusCollector(Collector):
    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        status = self._read_model.status()
        yield from _counters(status)
        yield from _gauges(status)
        ages = {name: (status.now - at).total_seconds() for name, at in status.newest.items()}
        live = {name: float(said == "LIVE") for name, said in status.sources.items()}
        yield _labelled("stream", "lag", "Events published but not settled.", status.lag)
        yield _labelled("type", "newest_event_age_seconds", "Age of the newest event.", ages)
        yield _labelled("source", "source_live", "1 while a source says LIVE.", live)


def _counters(status: Status) -> Iterable[Metric]:
    for name, help_text, value in (
        ("events_applied", "Events folded into the state.", status.events_applied),
        ("duplicates_ignored", "Events that had been seen before.", status.duplicates_ignored),
        ("dead_letters", "Events set aside with a reason.", status.dead_letters),
    ):
        yield CounterMetricFamily(f"signal_system_{name}", help_text, value=value)


def _gauges(status: Status) -> Iterable[Metric]:
    progress = status.progress
    event_age = (status.now - status.event_time).total_seconds() if status.event_time else None
    for name, help_text, value in (
        ("journal_position", "Last position applied.", status.journal_position),
        ("event_time_age_seconds", "How far event time is behind the clock.", event_age),
        ("coverage", "Share of the tracked weight whose position is fresh.", progress.coverage),
        ("traders_tracked", "Traders on the roster.", progress.tracked),
        ("traders_known", "Traders whose book is known.", progress.known),
        ("signals", "Coins that have a signal.", progress.signals),
        ("live", "1 once the start is over.", float(progress.phase == "live")),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"signal_system_{name}", help_text, value=value)


def _labelled(
    label: str, name: str, help_text: str, values: Mapping[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"signal_system_{name}", help_text, labels=(label,))
    for value_of, value in values.items():
        family.add_metric((value_of,), value)
    return family
