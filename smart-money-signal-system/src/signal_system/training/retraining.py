"""The rule by which models are trained anew and promoted: decided here, done by the command.

A challenger whose contest with the champion is open is left in the shadow: training a new one every
week would begin the contest again every week, and never decide it.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from signal_system.ml.manifest import Manifest
from signal_system.training.shadow import Contest

Step = Literal["promote", "train", "wait"]


class Standing(NamedTuple):
    """One model: its versions as their manifests tell it, None if there is none or it is unreadable."""

    champion: Manifest | None
    challenger: Manifest | None
    contest: Contest | None


class Decision(NamedTuple):
    """What to do, and why."""

    step: Step
    reason: str


def decided(standing: Standing, now: datetime) -> Decision:
    """Return what the rule says before anything is trained."""
    champion, challenger, contest = standing
    unfit = _unfit(challenger, now)
    if unfit is not None:
        return Decision("train", unfit)
    if champion is None or champion.is_expired(now):
        return Decision("promote", "its gates are open and no champion is believed any more")
    if contest is None or contest.is_won == contest.is_lost:
        said = "no contest" if contest is None else _said(contest)
        return Decision("wait", f"undecided: {said}; it stays in the shadow")
    if contest.is_won:
        return Decision("promote", f"it beat the champion: {_said(contest)}")
    return Decision("train", f"the challenger lost to the champion: {_said(contest)}")


def decided_without_contest(standing: Standing, now: datetime) -> Decision:
    """Return what the rule says of a model that serves in no shadow, after it was trained."""
    champion, challenger, _ = standing
    if challenger is None:
        return Decision("wait", "nothing was registered")
    if not challenger.passed:
        return Decision("wait", f"its gates are shut: {_shut(challenger)}")
    if challenger.is_expired(now):
        return Decision("wait", "its data is too old")
    if champion is not None and champion.data_until >= challenger.data_until:
        return Decision("wait", "the champion knows as much")
    return Decision("promote", "its gates are open and it knows newer data")


def _unfit(challenger: Manifest | None, now: datetime) -> str | None:
    """Return why there is no challenger worth judging; None if there is one."""
    if challenger is None:
        return "there is no challenger"
    if not challenger.passed:
        return f"the challenger's gates are shut: {_shut(challenger)}"
    return "the challenger has expired" if challenger.is_expired(now) else None


def _shut(manifest: Manifest) -> str:
    return ", ".join(gate.name for gate in manifest.gates if not gate.passed)


def _said(contest: Contest) -> str:
    if contest.champion_loss is None or contest.challenger_loss is None:
        return "no block has matured for both"
    return (
        f"{contest.blocks} blocks, loss {contest.challenger_loss:.4f} against"
        f" {contest.champion_loss:.4f}, evidence {contest.evidence:.1f} for and"
        f" {contest.counter_evidence:.1f} against"
    )
