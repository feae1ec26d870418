"""A read model that holds what it is given."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import json

from shared_events.payloads import Regime, Signal, WhaleAlert
from signal_system.api.port import Status
from signal_system.api.schemas import FeatureImportance, RuleStatistics
from signal_system.api.testing.factories import a_row, a_status
from signal_system.whale_alerts.asking import Asked

_LIST_HORIZON = 14_400


class MemoryReadModel:
    """Answers from the signals `say` was told; every other answer is an attribute to set."""

    def __init__(self, *signals: Signal) -> None:
        self.said: dict[tuple[str, int], list[Signal]] = {}
        self.regimes_known: list[Regime] = []
        self.turns: dict[str, list[Regime]] = {}
        self.importances: list[FeatureImportance] = []
        self.raised: list[WhaleAlert] = []
        self.statistics: list[RuleStatistics] = []
        self.status_now: Status = a_status()
        self.failing: dict[str, str | None] = {"bus": None, "store": None}
        self._rows = b""
        self.say(*signals)

    def say(self, *signals: Signal) -> None:
        """Add `signals`, each newer than those of its coin and horizon before it."""
        for signal in signals:
            self.said.setdefault((signal.coin, signal.horizon_seconds), []).append(signal)
        self._rows = _list(
            said[-1] for (_, horizon), said in self.said.items() if horizon == _LIST_HORIZON
        )

    def rows(self) -> bytes:
        """Return the list."""
        return self._rows

    def document(self, coin: str, horizon_seconds: int) -> bytes | None:
        """Return the newest signal."""
        said = self.said.get((coin, horizon_seconds))
        return json.encode(said[-1]) if said else None

    def history(
        self, coin: str, horizon_seconds: int, *, limit: int, before: int | None
    ) -> Sequence[bytes]:
        """Return what was said, newest first."""
        said = reversed(self.said.get((coin, horizon_seconds), []))
        older = (each for each in said if before is None or each.journal_position < before)
        return [json.encode(each) for each in older][:limit]

    def regimes(self) -> Sequence[Regime]:
        """Return the regimes."""
        return self.regimes_known

    def regime_history(self, scope: str, limit: int) -> Sequence[bytes]:
        """Return the turns that were set, newest first."""
        turns = self.turns.get(scope, [])
        return [turn.model_dump_json().encode() for turn in turns[:limit]]

    def feature_importances(self) -> Sequence[FeatureImportance]:
        """Return those that were set."""
        return self.importances

    def alerts(
        self, asked: Asked, *, limit: int, before: tuple[int, int] | None
    ) -> Sequence[tuple[tuple[int, int], bytes]]:
        """Return the alerts that were raised, newest first; the n-th has the place (n, 0)."""
        placed = [((n, 0), alert) for n, alert in enumerate(self.raised)]
        older = [each for each in reversed(placed) if before is None or each[0] < before]
        wanted = [(place, alert) for place, alert in older if asked.wants(alert)]
        return [(place, alert.model_dump_json().encode()) for place, alert in wanted[:limit]]

    def alert_statistics(self) -> Sequence[RuleStatistics]:
        """Return those that were set."""
        return self.statistics

    def status(self) -> Status:
        """Return the status."""
        return self.status_now

    async def checks(self) -> Mapping[str, str | None]:
        """Return what fails."""
        return self.failing


def _list(signals: Iterable[Signal]) -> bytes:
    newest = list(signals)
    return json.encode(
        {
            "signals": [a_row(signal).model_dump(mode="json") for signal in newest],
            "as_of": max((signal.as_of for signal in newest), default=None),
            "status": min((signal.status for signal in newest), default=None),
            "regime": next((signal.regime.state for signal in newest if signal.regime), None),
            "journal_position": max((signal.journal_position for signal in newest), default=-1),
        }
    )
