"""``signal-system signals``: the signals of a running service, for people who live in a terminal.

Mount it with ``app.command("signals")(terminal.signals)``.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from smart_money_client import (
    DEFAULT_URL,
    Contribution,
    Patience,
    ServiceUnavailableError,
    Signal,
    SignalRow,
    SmartMoneyClient,
    SmartMoneyError,
    Status,
    UnauthorizedError,
    UnknownCoinError,
)

EXIT_UNKNOWN_COIN = 1
EXIT_UNAVAILABLE = 69
EXIT_PROTOCOL = 76
EXIT_NO_PERMISSION = 77
"""As sysexits.h has them."""

POLL_SECONDS = 1.0
_PIPE_WIDTH = 132
_BAR = 10
_DASH = "-"
_ACTIONS = {
    "BUY": Text("▲ BUY", "bold green"),
    "SELL": Text("▼ SELL", "bold red"),
    "NEUTRAL": Text("· NEUTRAL", "dim"),
}

Coins = Annotated[
    list[str] | None, typer.Option("--coin", help="Only this coin, whole; repeat to list several.")
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on, and show every change.")]
Url = Annotated[str, typer.Option("--url", help="Where the service answers.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one document a line.")]
Key = Annotated[str | None, typer.Option("--key", envvar="SIGNAL_SYSTEM_API_KEY", help="Its key.")]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the service showed; `signal` is None unless one coin was asked for."""

    rows: Sequence[SignalRow]
    status: Status
    signal: Signal | None

    def json(self) -> str:
        """Return it as one line."""
        if self.signal is not None:
            return self.signal.model_dump_json()
        return f'{{"signals":[{",".join(row.model_dump_json() for row in self.rows)}]}}'

    def view(self) -> RenderableType:
        """Return it as a table, with the reasons if it is about one coin."""
        everything = Group(board(self.rows), _footer(self.rows, self.status))
        return everything if self.signal is None else Group(everything, "", sheet(self.signal))


T = TypeVar("T")
Looks = AsyncIterator[Seen | ServiceUnavailableError]


def signals(
    coin: Coins = None,
    *,
    watch: Watch = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Show what the running service says: BUY, SELL or NEUTRAL for every coin, and why."""
    coins = coin or []
    patience = Patience(attempts=1)
    show = _lines if as_json else follow if watch else _once

    async def run() -> None:
        async with SmartMoneyClient(url, key, patience=patience) as client:
            await show(_looks(client, coins, endless=watch))

    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(run())
    except SmartMoneyError as e:
        leave(e, url)


async def follow(looks: Looks) -> None:
    """Show `looks` in one place, the newest over the one before."""
    shown: RenderableType = ""
    with Live(console=_console(), auto_refresh=False, vertical_overflow="crop") as live:
        async for seen in looks:
            if isinstance(seen, Seen):
                shown = seen.view()
                live.update(shown, refresh=True)
            else:
                lost = Text("No answer; what stands above is old. Trying again.", "bold red")
                live.update(Group(shown, lost), refresh=True)


def board(rows: Sequence[SignalRow]) -> Table:
    """Return the table of all coins."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("coin", "action", "confidence"):
        table.add_column(title)
    for title in ("score", "voters", "coverage", "age", "reference"):
        table.add_column(title, justify="right")
    for title in ("regime", "held back by"):
        table.add_column(title)
    for row in rows:
        table.add_row(*_cells(row), style="dim" if row.status == "STALE" else "")
    return table


def sheet(signal: Signal) -> Group:
    """Return why one coin's signal says what it says."""
    gates = Table("gate", box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("value", "threshold"):
        gates.add_column(title, justify="right")
    gates.add_column("")
    for gate in signal.gates:
        mark = Text("passed", "green") if gate.passed else Text(gate.reason or "failed", "red")
        gates.add_row(_words(gate.name), _number(gate.value), _number(gate.threshold), mark)
    hours = signal.horizon_seconds // 3600
    return Group(
        Text(f"{signal.coin} over {hours} h: {_sentence(signal)}", "bold"),
        f"net {_usd(signal.net_exposure)}, long {_usd(signal.long_exposure)}, "
        f"short {_usd(signal.short_exposure)}; {_usd(signal.cost_to_flip_usd)} would flip it",
        "",
        gates,
        "",
        _contributions("for the tilt", signal.contributions_for),
        _contributions("against it", signal.contributions_against),
    )


async def _looks(client: SmartMoneyClient, coins: Sequence[str], *, endless: bool) -> Looks:
    """Look once, or every second; once it has answered, its silence is shown and waited out."""
    answered = False
    while True:
        try:
            yield await _look(client, coins)
            answered = True
        except ServiceUnavailableError as e:
            if not (endless and answered):
                raise
            yield e
        if not endless:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _look(client: SmartMoneyClient, coins: Sequence[str]) -> Seen:
    signal = await client.signal(coins[0]) if len(coins) == 1 else None
    return Seen(await client.signals(coins), await client.status(), signal)


async def _once(looks: Looks) -> None:
    async for seen in looks:
        if isinstance(seen, Seen):
            _console().print(seen.view())


async def _lines(looks: Looks) -> None:
    last = ""
    async for seen in looks:
        if isinstance(seen, Seen) and (line := seen.json()) != last:
            last = line
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def _cells(row: SignalRow) -> tuple[RenderableType, ...]:
    mark = "" if row.status == "LIVE" else f" ({row.status.lower()})"
    return (
        Text(row.coin + mark, "bold"),
        _ACTIONS[row.action],
        f"{_bar(row.confidence, calibrated=row.calibrated)} {row.confidence:6.1%}",
        f"{row.score:+.2f}",
        f"{row.independent_voters:.1f} of {row.voters}",
        _known(row.coverage, "{:.0%}".format),
        _known(row.data_age_seconds, _span),
        _known(row.reference_price, "{:,f}".format),
        _words(row.regime),
        Text(_words(row.failed_gate), "yellow" if row.failed_gate else "dim"),
    )


def _contributions(title: str, contributions: Sequence[Contribution]) -> Table:
    table = Table(title, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("holds", "weight", "effect"):
        table.add_column(column, justify="right")
    for each in contributions:
        style = "green" if each.effect > 0 else "red"
        effect = Text(f"{each.effect:+.3f}", style)
        table.add_row(each.address, _usd(each.exposure), f"{each.weight:.3f}", effect)
    return table


def _footer(rows: Sequence[SignalRow], status: Status) -> Text:
    at = f"{status.event_time:%Y-%m-%d %H:%M:%S} UTC" if status.event_time else "no event yet"
    sides = [sum(row.action == action for row in rows) for action in ("BUY", "SELL")]
    coins = "1 coin" if len(rows) == 1 else f"{len(rows)} coins"
    said = f"{coins}, {sides[0]} buy, {sides[1]} sell; event time {at}"
    if any(not row.calibrated for row in rows):
        said += "; a bar of ▒ is a base rate, not calibrated yet"
    start = "" if status.live else f"\n{status.progress.phase}: {status.progress.message}"
    return Text(f"{said}{start}", "dim")


def _sentence(signal: Signal) -> str:
    failed = ", ".join(_words(gate.name) for gate in signal.failed_gates)
    how = "calibrated" if signal.calibrated else "base rate, not calibrated"
    held = f", held back by {failed}" if failed else ""
    return f"{signal.action} with confidence {signal.confidence:.1%} ({how}){held}"


def _bar(share: float, *, calibrated: bool) -> str:
    """Return ten cells, as many filled as `share` says.

    Examples
    --------
    >>> _bar(0.53, calibrated=False), _bar(1.0, calibrated=True)
    ('▒▒▒▒▒·····', '██████████')
    """
    filled = round(share * _BAR)
    return ("█" if calibrated else "▒") * filled + "·" * (_BAR - filled)


def _known(value: T | None, say: Callable[[T], str]) -> str:
    return _DASH if value is None else say(value)


def _number(value: float | None) -> str:
    return _known(value, "{:,.2f}".format)


def _usd(value: Decimal | None) -> str:
    """Return a rounded sum.

    Examples
    --------
    >>> _usd(Decimal("-1234567.8")), _usd(None)
    ('-$1,234,568', '-')
    """
    return _DASH if value is None else f"{'-' if value < 0 else ''}${abs(value):,.0f}"


def _span(seconds: float) -> str:
    """Return a duration for people.

    Examples
    --------
    >>> [_span(seconds) for seconds in (0.42, 75, 5400, 200_000)]
    ['0.4 s', '1 min', '1.5 h', '2.3 d']
    """
    if seconds < 60:  # noqa: PLR2004 -- a minute
        return f"{seconds:.1f} s"
    if seconds < 3600:  # noqa: PLR2004 -- an hour
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 86_400 else f"{seconds / 86_400:.1f} d"  # noqa: PLR2004


def _words(name: str | None) -> str:
    return _DASH if name is None else name.replace("_", " ")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def leave(error: SmartMoneyError, url: str) -> NoReturn:
    """Say what to do about `error`, and go with the exit code of its kind."""
    if isinstance(error, ServiceUnavailableError):
        said = (
            f"No signal system answers at {url}.\n"
            "Start one with 'scripts/up --demo' or 'signal-system run', or say with --url where it "
            f"is.\n({error})"
        )
        code = EXIT_UNAVAILABLE
    elif isinstance(error, UnauthorizedError):
        said, code = "It asks for its key: set SIGNAL_SYSTEM_API_KEY or --key.", EXIT_NO_PERMISSION
    else:
        said = str(error)
        code = EXIT_UNKNOWN_COIN if isinstance(error, UnknownCoinError) else EXIT_PROTOCOL
    typer.echo(said, err=True)
    raise typer.Exit(code)
