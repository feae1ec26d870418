"""``signal-system``: the commands there are; each is imported when it is called."""

import sys

import typer

from shared_events.errors import EXIT_CONFIG, ConfigError, DataError
from signal_system import terminal
from signal_system.lazy import add_later

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""Turn what traders hold into BUY, SELL or NEUTRAL for every coin.

    `run` is the service; `signals --watch` shows what it says; `replay` decides the same again from
    a journal.

    Everything can be set by environment variables SIGNAL_SYSTEM_... or in .env; an option given here
    wins. A wrong setting ends with exit code 78 and a sentence that says what to change.
    """,
)

add_later(
    app,
    "run",
    "signal_system.run_command",
    "Consume events, decide, and answer on the API until told to stop.",
)
app.command("signals")(terminal.signals)
add_later(
    app,
    "models",
    "signal_system.models_cli",
    "List, verify, promote and roll back versions of models.",
)
add_later(
    app,
    "replay",
    "signal_system.evaluation.replay_command",
    "Fold a journal from its beginning and print what it leads to: the same hashes every time.",
)
add_later(
    app,
    "verify-track-record",
    "signal_system.evaluation.verify_command",
    "Recompute every hash and every score of the forecasts that are kept.",
)
add_later(
    app,
    "evaluate",
    "signal_system.evaluation.evaluate_command",
    "Judge weighting schemes over journals whose truth is known.",
)
add_later(
    app,
    "features",
    "signal_system.training.features_command",
    "Build, list and check what models see; audit what was served.",
)
add_later(
    app,
    "retrain",
    "signal_system.training.retrain_command",
    "Train anew, compare in the shadow, promote by the rule; meant for a timer.",
)
add_later(
    app,
    "drift",
    "signal_system.drift_command",
    "Say whether the classifiers in service still see the world they were taught.",
)
add_later(
    app,
    "notify",
    "signal_system.notify_command",
    "Try the webhooks and chats that are told of whale alerts and of signals that turn.",
)


def main() -> None:
    """Run the command line; a setting or data of no use ends it with one sentence and exit code 78."""
    try:
        app()
    except (ConfigError, DataError) as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(EXIT_CONFIG)
