"""Draws the view: one calm table that stays in place, or on a pipe one line for each change."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from workspace.up.view import PartRow, SignalRow, View, in_order, turns

_COLOURS = {"BUY": "green", "SELL": "red", "NEUTRAL": "dim"}
_LINES_AROUND = 16  # parts, headings, warnings, addresses

Now = Callable[[], datetime]


class Screen(Protocol):
    """Shows a view; called again whenever it may have changed."""

    def show(self, view: View) -> None:
        """Bring what is shown up to date."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was, the last picture on it."""
        ...


def screen_for(console: Console, now: Now) -> Screen:
    """Return what fits `console`: a picture on a terminal, lines elsewhere."""
    return Picture(console, now) if console.is_terminal else Lines(console, now)


class Picture:
    """One picture, drawn over itself."""

    def __init__(self, console: Console, now: Now) -> None:
        self._console = console
        self._now = now
        self._live = Live(console=console, auto_refresh=False, redirect_stderr=False)
        self._live.start()

    def show(self, view: View) -> None:
        """Draw the picture again."""
        rows = max(3, self._console.height - len(view.parts) - _LINES_AROUND)
        self._live.update(picture(view, self._now(), rows), refresh=True)

    def close(self) -> None:
        """Leave the last picture."""
        self._live.stop()


class Lines:
    """One line for each thing that changed."""

    def __init__(self, console: Console, now: Now) -> None:
        self._console = console
        self._now = now
        self._states: dict[str, str] = {}
        self._signals: tuple[SignalRow, ...] = ()
        self._warning: str | None = None
        self._closing: str | None = None

    def show(self, view: View) -> None:
        """Say what is new since the last call."""
        for part in view.parts.values():
            self._say_state(part)
        for signal in turns(self._signals, view.signals):
            self._say(f"{signal.coin}: {sentence(signal, self._now())}")
        if view.warnings and view.warnings[-1] != self._warning:
            self._say(f"warning: {view.warnings[-1]}")
        if view.closing and view.closing != self._closing:
            self._say(view.closing)
        self._signals, self._closing = view.signals, view.closing
        self._warning = view.warnings[-1] if view.warnings else None

    def close(self) -> None:
        """Nothing is open."""

    def _say_state(self, part: PartRow) -> None:
        if part.pid is not None and self._states.get(part.name) != part.state:
            self._states[part.name] = part.state
            self._say(f"{part.name} (pid {part.pid}, {part.where}): {part.state}")

    def _say(self, line: str) -> None:
        moment = f"{self._now():%H:%M:%S}"
        self._console.print(f"{moment} {line}", markup=False, highlight=False, soft_wrap=True)


def picture(view: View, now: datetime, rows: int) -> RenderableType:
    """Return the whole screen, with room for `rows` signals."""
    shown = in_order(view.signals)[:rows]
    more = len(view.signals) - len(shown)
    return Group(
        Text(f"{view.title}\n", style="bold"),
        _parts(view),
        Text(),
        _signals(shown, now),
        Text(f"  and {more} more at {view.api}/api/v1/signals" if more > 0 else "", style="dim"),
        *(
            Text(f"! {warning}", style="yellow", no_wrap=True, overflow="ellipsis")
            for warning in view.warnings
        ),
        Text(f"\npage {view.api}/   API {view.api}/api/v1/signals   reference {view.api}/docs"),
        Text(view.closing or "Ctrl-C stops everything in order and loses nothing.", style="dim"),
    )


def sentence(signal: SignalRow, now: datetime) -> str:
    """Return one signal in words.

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> sentence(SignalRow("BTC", "BUY", 0.612, True, 14.2, at, "bull", None), at)
    'BUY, confidence 0.61, 14.2 independent voters, regime bull, data 0 s old'
    """
    facts = [
        signal.action,
        f"confidence {confidence(signal)}",
        None if signal.voters is None else f"{signal.voters:.1f} independent voters",
        None if signal.regime is None else f"regime {signal.regime}",
        None if signal.as_of is None else f"data {age(signal, now)} old",
        None if signal.why_not is None else f"held back by {signal.why_not}",
    ]
    return ", ".join(fact for fact in facts if fact)


def confidence(signal: SignalRow) -> str:
    """Return it with two digits, marked ``~`` while it is only the base rate."""
    if signal.confidence is None:
        return "unknown"
    return f"{'' if signal.calibrated else '~'}{signal.confidence:.2f}"


def age(signal: SignalRow, now: datetime) -> str:
    """Return how old the data is, in the largest unit that says enough."""
    seconds = signal.age(now)
    if seconds is None:
        return "unknown"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"


def _parts(view: View) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("part", "pid", "where", "state"):
        table.add_column(heading, no_wrap=heading != "state", overflow="ellipsis")
    for part in view.parts.values():
        table.add_row(part.name, "" if part.pid is None else str(part.pid), part.where, part.state)
    return table


def _signals(signals: list[SignalRow], now: datetime) -> RenderableType:
    if not signals:
        return Text("Signals appear here as soon as enough is known.", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in (
        "coin",
        "signal",
        "confidence",
        "independent voters",
        "regime",
        "data age",
        "held back by",
    ):
        table.add_column(
            heading,
            justify="right"
            if heading in {"confidence", "independent voters", "data age"}
            else "left",
        )
    for s in signals:
        table.add_row(
            s.coin,
            Text(s.action, style=_COLOURS.get(s.action, "")),
            confidence(s),
            "unknown" if s.voters is None else f"{s.voters:.1f}",
            s.regime or "unknown",
            age(s, now),
            s.why_not or "",
        )
    return table
