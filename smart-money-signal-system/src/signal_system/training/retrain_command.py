"""``signal-system retrain``: train anew, compare in the shadow, promote by the rule; for a timer.

Everything is done beside the running service: the training in a process of its own, the contest
from the journal. Only an alias is moved, and the service takes it from there.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import structlog
import typer

from shared_events.runtime import logging
from shared_events.runtime.clock import SystemClock
from signal_system.config import Settings
from signal_system.ml.manifest import Manifest
from signal_system.ml.model_kinds import ModelRefusedError
from signal_system.ml.model_registry import (
    ModelRegistry,
    NotPromotedError,
    UnknownModelError,
    direction_name,
    regime_name,
)
from signal_system.training.retraining import (
    Decision,
    Standing,
    decided,
    decided_without_contest,
)
from signal_system.training.shadow import contested

log = structlog.get_logger()

Kind = Literal["features", "regime"]

_LOWEST_PRIORITY = 19
_SECONDS = 4 * 3_600
_SCRIPTS: dict[Kind, str] = {
    "features": "from signal_system.training.train_features import main; main()",
    "regime": "from signal_system.training.train_regime import main; main()",
}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""Train anew, compare in the shadow, and promote by the rule; meant for a timer.

    Whatever fails is logged and leaves the running service, and what it serves, alone; the exit
    code is 1 then.
    """,
)

Coins = Annotated[list[str] | None, typer.Option("--coin", help="Repeat for more; none: BTC.")]
Interval = Annotated[str, typer.Option(help="Length of a bar.")]
Horizon = Annotated[int, typer.Option(min=1, max=168, help="In hours.")]
DataFile = Annotated[
    Path | None,
    typer.Option("--data", exists=True, dir_okay=False, help="Candles; none: the journal."),
]
Freshness = Annotated[int, typer.Option(min=1, help="Refuse data that ended earlier, in days.")]


@app.command()
def features(
    coin: Coins = None,
    *,
    interval: Interval = "1h",
    horizon: Horizon = 4,
    data: DataFile = None,
    fresh_within_days: Freshness = 2,
) -> None:
    """Train the classifiers anew, unless a challenger's contest is still open. Weekly by default."""
    job = Retraining(_settings(), SystemClock().now())
    for each in coin or ["BTC"]:
        name = direction_name(each, timedelta(hours=horizon))
        job.classifier(name, _words(each, interval, data, fresh_within_days, horizon))
    raise typer.Exit(job.failures > 0)


@app.command()
def regime(
    coin: Coins = None,
    *,
    interval: Interval = "1h",
    data: DataFile = None,
    fresh_within_days: Freshness = 2,
) -> None:
    """Train the regime models anew. Monthly by default."""
    job = Retraining(_settings(), SystemClock().now())
    for each in coin or ["BTC"]:
        job.regime(regime_name(each), _words(each, interval, data, fresh_within_days))
    raise typer.Exit(job.failures > 0)


class Retraining:
    """Does what the rule says for one model after the other, and counts what failed.

    Parameters
    ----------
    settings
        Where the registry and the journal are.
    now
        What expiry is judged by.
    """

    def __init__(self, settings: Settings, now: datetime) -> None:
        self._settings, self._now = settings, now
        self._registry = ModelRegistry(settings.registry)
        self.failures = 0

    def classifier(self, name: str, words: Sequence[str]) -> None:
        """Judge the challenger of `name`; train a new one if it is no more, and judge that."""
        decision = self._judged(name)
        if decision.step == "train" and self._trained("features", name, words):
            decision = self._judged(name)
        if decision.step == "promote":
            self._promote(name)

    def regime(self, name: str, words: Sequence[str]) -> None:
        """Train `name` anew and promote it by its gates: it serves in no shadow."""
        if not self._trained("regime", name, words):
            return
        standing = Standing(*self._manifests(name), None)
        if self._say(name, decided_without_contest(standing, self._now)).step == "promote":
            self._promote(name)

    def _judged(self, name: str) -> Decision:
        champion, challenger = self._manifests(name)
        contest = None
        if champion is not None and challenger is not None:
            versions = champion.version, challenger.version
            contest = contested(self._settings.journal, name, *versions)
        return self._say(name, decided(Standing(champion, challenger, contest), self._now))

    def _say(self, name: str, decision: Decision) -> Decision:
        log.info("retraining_decided", model=name, step=decision.step, reason=decision.reason)
        return decision

    def _trained(self, kind: Kind, name: str, words: Sequence[str]) -> bool:
        """Let a process of its own train; say why if it failed."""
        try:
            done = subprocess.run(  # noqa: S603 -- our own code, with words of ours
                (sys.executable, "-c", _SCRIPTS[kind], *words),
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
                preexec_fn=_give_way,
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            return self._failed(name, str(e))
        if done.returncode != 0:
            return self._failed(name, (done.stderr.strip().splitlines() or ["no reason given"])[-1])
        log.info("trained", model=name, challenger=self._registry.latest(name))
        return True

    def _promote(self, name: str) -> None:
        challenger = self._registry.aliases(name).challenger
        try:
            if challenger is not None:
                self._registry.promote(name, challenger, self._now)
                log.info("promoted", model=name, version=challenger)
        except (NotPromotedError, ModelRefusedError, UnknownModelError) as e:
            self._failed(name, str(e))

    def _manifests(self, name: str) -> tuple[Manifest | None, Manifest | None]:
        aliases = self._registry.aliases(name)
        return self._manifest(name, aliases.champion), self._manifest(name, aliases.challenger)

    def _manifest(self, name: str, version: str | None) -> Manifest | None:
        """Return what serves under that version; None if the registry would refuse it."""
        if version is None:
            return None
        try:
            return self._registry.load(name, version).manifest
        except (ModelRefusedError, UnknownModelError) as e:
            log.warning("version_unusable", model=name, version=version, reason=str(e))
            return None

    def _failed(self, name: str, reason: str) -> bool:
        self.failures += 1
        log.error("retraining_failed", model=name, reason=reason)
        return False


def _words(
    coin: str, interval: str, data: Path | None, fresh_within_days: int, horizon: int | None = None
) -> list[str]:
    words = ["--coin", coin, "--interval", interval, "--fresh-within-days", str(fresh_within_days)]
    if horizon is not None:
        words += ["--horizon", str(horizon)]
    return words if data is None else [*words, "--data", str(data)]


def _settings() -> Settings:
    settings = Settings.read()
    logging.configure("retrain", settings.log_level)
    return settings


def _give_way() -> None:
    os.nice(_LOWEST_PRIORITY)
