"""``signal-system replay``: a journal folded anew."""

import sys
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from signal_system.config import Settings
from signal_system.evaluation.replay import replay as folded
from signal_system.evaluation.report import report

_EVERY = 1_000
_PIPE_WIDTH = 120

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def replay(
    journal: Annotated[Path, typer.Argument(help="The folder that holds a journal's segments.")],
    out: Annotated[
        Path | None, typer.Option(help="Write every signal to this file, one a line.")
    ] = None,
) -> None:
    """Fold a JOURNAL from its beginning and print what it leads to: the same hashes every time.

    Rules, weighting and baseline are those of the settings; models come from the journal itself.
    """
    config = Settings.read().fold_config()
    began = perf_counter()
    with ExitStack() as stack:
        file = stack.enter_context(out.open("wb")) if out else None
        bar = stack.enter_context(_progress())
        task = bar.add_task("records", total=None)

        def keep(raw: bytes) -> None:
            if file is not None:
                file.write(raw + b"\n")

        def show(position: int) -> None:
            if position % _EVERY == 0:
                bar.update(task, completed=position)

        summary = folded(journal, config, keep=keep, on_progress=show)
    _console().print(report(summary, perf_counter() - began))


def _progress() -> Progress:
    """Return a bar on stderr, so that what is printed stays clean."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,} {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _console() -> Console:
    """Return the terminal, or what it is piped into without cutting lines short."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
