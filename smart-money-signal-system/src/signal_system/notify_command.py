"""``signal-system notify``: whether those who are to be told can be."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from shared_events.errors import DataError, TransientError
from shared_events.runtime.clock import Clock, SystemClock
from signal_system.config import Settings
from signal_system.notifiers.desk import open_notifiers
from signal_system.notifiers.notice import of_test
from signal_system.notifiers.port import Notifier
from signal_system.notifiers.receivers import SETTING, Receivers, read_receivers

_EXAMPLE = """webhooks:
  my-bot:
    url: https://bot.example.org/hook
    secret: at least sixteen characters
    coins: [BTC, ETH]
    least_severity: HIGH
chats:
  phone:
    url: tgram://BOT_TOKEN/CHAT_ID
    quiet: {start: "22:00", end: "07:00", zone: Europe/Berlin}
    digest_seconds: 60"""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def notify() -> None:
    """Try the webhooks and chats that are told of whale alerts and of signals that turn.

    They are named in a YAML file that only you can read; SIGNAL_SYSTEM_RECEIVERS_FILE says where
    it is. docs/howto/get-alerts.md shows one, and how a program checks the signature.
    """


@app.command("test")
def send_test(
    name: Annotated[str | None, typer.Argument(help="Of the receiver; everybody without.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Another file than that of the settings.")
    ] = None,
) -> None:
    """Send a test message and say what happened; exit code 1 if somebody did not take it.

    Examples: `signal-system notify test`, `signal-system notify test phone`.
    """
    receivers = read_receivers(file or Settings.read().receivers_file)
    names = [*receivers.webhooks, *receivers.chats]
    if not names:
        raise DataError(f"nobody is to be told: set {SETTING} to a file such as\n\n{_EXAMPLE}\n")
    if name is not None and name not in names:
        raise DataError(f"no receiver is named {name!r}; there are {', '.join(names)}")
    chosen = names if name is None else [name]
    if not asyncio.run(_try(_only(receivers, chosen), SystemClock())):
        raise typer.Exit(1)


async def _try(receivers: Receivers, clock: Clock) -> bool:
    """Tell everybody in turn; return whether all took it."""
    async with AsyncExitStack() as stack:
        notifiers = await open_notifiers(receivers, clock, stack)
        results = [await _sent(name, each, clock) for name, (_, each) in notifiers.items()]
    return all(results)


async def _sent(name: str, notifier: Notifier, clock: Clock) -> bool:
    began = perf_counter()
    try:
        await notifier.send([of_test(clock.now())])
    except TransientError as e:
        typer.echo(f"{name}: not taken: {e}")
        return False
    typer.echo(f"{name}: taken in {(perf_counter() - began) * 1_000:.0f} ms")
    return True


def _only(receivers: Receivers, names: list[str]) -> Receivers:
    return Receivers(
        webhooks={name: each for name, each in receivers.webhooks.items() if name in names},
        chats={name: each for name, each in receivers.chats.items() if name in names},
    )
