"""A replay's summary for people."""

from datetime import datetime

from rich.console import Group
from rich.table import Table

from shared_events.payloads import Signal
from signal_system.evaluation.replay import Summary, newest
from signal_system.signal_generation.gates import first_shut

_SHOWN = 12
_WHY_NONE = "No signal: no tracked trader (tracked_traders) held anything (trader_positions)."


def report(summary: Summary, seconds: float) -> Group:
    """Return counts, the newest signals of the largest coins, and the hashes."""
    records = summary.records.total()
    return Group(
        f"{records:,} records from {_moment(summary.first)} to {_moment(summary.last)} "
        f"in {seconds:.1f} s, {records / max(seconds, 1e-9):,.0f} a second",
        _counts("records", summary.records),
        _counts("signals", summary.actions),
        f"regimes turned: {summary.turned}",
        "",
        _excerpt(newest(summary.coins.values(), _SHOWN)) if summary.signals else _WHY_NONE,
        "",
        f"state   {summary.state_hash}",
        f"chain   {summary.chain_hash}",
        f"signals {summary.signals_hash}  (SHA-256 over all {summary.signals:,})",
    )


def _counts(name: str, counts: dict[str, int]) -> str:
    parts = (f"{kind} {count:,}" for kind, count in sorted(counts.items()))
    return f"{name}: {', '.join(parts) or 'none'}"


def _excerpt(signals: list[Signal]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("coin", "action"):
        table.add_column(title)
    for title in ("score", "net USD", "voters", "independent", "coverage", "price"):
        table.add_column(title, justify="right")
    table.add_column("shut gate")
    for signal in signals:
        table.add_row(*_cells(signal))
    return table


def _cells(signal: Signal) -> tuple[str, ...]:
    return (
        signal.coin,
        signal.action,
        f"{signal.score:+.3f}",
        "?" if signal.net_exposure is None else f"{signal.net_exposure:,.0f}",
        str(signal.voters),
        f"{signal.independent_voters:.1f}",
        "?" if signal.coverage is None else f"{signal.coverage:.0%}",
        str(signal.reference_price or "?"),
        first_shut(signal.gates) or "",
    )


def _moment(at: datetime | None) -> str:
    return "?" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
