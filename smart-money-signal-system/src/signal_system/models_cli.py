"""``signal-system models``: what the registry holds, and which version serves."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared_events.errors import EXIT_CONFIG, DataError
from shared_events.runtime.clock import SystemClock
from signal_system.config import Settings
from signal_system.ml.model_card import card
from signal_system.ml.model_kinds import ModelRefusedError
from signal_system.ml.model_registry import ALIAS_NAMES, ModelRegistry

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""List, verify, promote and roll back versions of models.

    A running service takes a new champion within seconds, and loses no event by it.
    """,
)

Name = Annotated[str, typer.Argument(help="Of the model: regime-BTC.")]
Version = Annotated[
    str, typer.Argument(help="A version, or champion, challenger, previous, latest.")
]
Registry = Annotated[Path | None, typer.Option(help="The folder; that of the settings.")]


@app.command("list")
def list_models(registry: Registry = None) -> None:
    """List every version, the newest last, with its aliases, gates and age."""
    kept = _registry(registry)
    table = Table("model", "version", "is", "gates", "data until", "expires", box=None)
    for name in kept.names():
        aliases = kept.aliases(name).model_dump()
        for version in kept.versions(name):
            roles = ", ".join(alias for alias in ALIAS_NAMES if aliases[alias] == version)
            table.add_row(name, version, roles, *_facts(kept, name, version))
    _console().print(table)


@app.command()
def show(name: Name, version: Version = "champion", registry: Registry = None) -> None:
    """Print the card of a version."""
    kept = _registry(registry)
    typer.echo(card(kept.manifest(name, kept.resolved(name, version))))


@app.command()
def verify(name: Name, version: Version = "every", registry: Registry = None) -> None:
    """Load a version, or every one, as the service would; exit code 78 if one is refused."""
    kept = _registry(registry)
    versions = kept.versions(name) if version == "every" else [kept.resolved(name, version)]
    failed = [each for each in versions if not _holds(kept, name, each)]
    if failed or not versions:
        raise typer.Exit(EXIT_CONFIG)


@app.command()
def promote(
    name: Name,
    version: Version = "challenger",
    *,
    force: Annotated[bool, typer.Option(help="Although a gate is shut, or it expired.")] = False,
    registry: Registry = None,
) -> None:
    """Make a version the champion; only one whose gates are open, unless forced."""
    kept = _registry(registry)
    chosen = kept.resolved(name, version)
    kept.promote(name, chosen, SystemClock().now(), force=force)
    typer.echo(f"{name}: {chosen} is champion")


@app.command()
def rollback(name: Name, registry: Registry = None) -> None:
    """Make the champion before this one champion again."""
    version = _registry(registry).rollback(name)
    typer.echo(f"{name}: {version or 'no version'} is champion")


@app.command()
def latest(name: Name, registry: Registry = None) -> None:
    """Print the newest version."""
    typer.echo(_registry(registry).resolved(name, "latest"))


@app.command()
def best(
    name: Name,
    metric: Annotated[str, typer.Argument(help="As `models show` names it.")],
    *,
    lowest: Annotated[bool, typer.Option("--lowest", help="The lowest value is the best.")] = False,
    registry: Registry = None,
) -> None:
    """Print the version whose manifest states the best value of METRIC."""
    kept = _registry(registry)
    version = kept.best(name, metric, lowest=lowest)
    if version is None:
        raise DataError(
            f"no version of {name!r} states {metric!r}: signal-system models show {name}"
        )
    typer.echo(f"{version} {kept.manifest(name, version).metrics[metric]}")


def _holds(kept: ModelRegistry, name: str, version: str) -> bool:
    try:
        kept.load(name, version)
    except ModelRefusedError as e:
        typer.echo(f"{name} {version}: refused, {e}")
        return False
    typer.echo(f"{name} {version}: whole")
    return True


def _facts(kept: ModelRegistry, name: str, version: str) -> tuple[str, str, str]:
    try:
        manifest = kept.manifest(name, version)
    except ModelRefusedError:
        return "[red]unreadable[/red]", "", ""
    gates = "open" if manifest.passed else "[red]shut[/red]"
    until = "never" if manifest.expires_at is None else f"{manifest.expires_at:%Y-%m-%d}"
    return gates, f"{manifest.data_until:%Y-%m-%d}", until


def _registry(folder: Path | None) -> ModelRegistry:
    return ModelRegistry(folder or Settings.read().registry)


def _console() -> Console:
    return Console(width=160, soft_wrap=True)
