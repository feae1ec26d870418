from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared_events.journal import JournalWriter
from signal_system.config import Settings
from signal_system.ml.manifest import Manifest
from signal_system.ml.model_registry import ModelRegistry
from signal_system.testing.directions import CUTOFF, a_direction_candidate, a_direction_champion
from signal_system.testing.regimes import a_candidate
from signal_system.training.retrain_command import Retraining
from signal_system.training.retraining import Standing, decided, decided_without_contest
from signal_system.training.shadow import Contest

NAME = "direction-4h-BTC"
NOW = CUTOFF + timedelta(days=10)
OPEN = Contest(30, 1.0, 0.99, 2.0, 1.0)
WON = Contest(300, 1.0, 0.9, 25.0, 1.0)
LOST = Contest(300, 0.9, 1.0, 1.0, 25.0)


def made(**fields: Any) -> Manifest:
    return a_direction_candidate(**fields).manifest


GOOD, SHUT = made(), made(passed=False)
OLD = made(expires_at=CUTOFF + timedelta(days=1))


@pytest.mark.parametrize(
    ("standing", "step"),
    [
        (Standing(None, None, None), "train"),
        (Standing(GOOD, None, None), "train"),
        (Standing(GOOD, SHUT, WON), "train"),
        (Standing(None, SHUT, None), "train"),
        (Standing(GOOD, OLD, WON), "train"),
        (Standing(None, GOOD, None), "promote"),
        (Standing(OLD, GOOD, OPEN), "promote"),
        (Standing(GOOD, GOOD, OPEN), "wait"),
        (Standing(GOOD, GOOD, WON), "promote"),
        (Standing(GOOD, GOOD, LOST), "train"),
    ],
)
def test_the_rule_for_classifiers(standing: Standing, step: str) -> None:
    assert decided(standing, NOW).step == step
    assert decided(standing, NOW).reason


@pytest.mark.parametrize(
    ("champion", "challenger", "step"),
    [
        (None, a_candidate().manifest, "promote"),
        (None, a_candidate(passed=False).manifest, "wait"),
        (None, None, "wait"),
        (a_candidate().manifest, a_candidate().manifest, "wait"),
        (
            a_candidate(data_until=CUTOFF - timedelta(days=30)).manifest,
            a_candidate().manifest,
            "promote",
        ),
    ],
)
def test_the_rule_for_regimes(
    champion: Manifest | None, challenger: Manifest | None, step: str
) -> None:
    assert decided_without_contest(Standing(champion, challenger, None), NOW).step == step


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with JournalWriter(tmp_path / "journal"):
        pass
    return Settings.read(data_dir=tmp_path)


def test_a_training_that_fails_leaves_what_serves_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    champion = a_direction_champion(settings.registry)
    monkeypatch.setenv("SIGNAL_SYSTEM_DATA_DIR", str(settings.data_dir))
    job = Retraining(settings, NOW)

    job.classifier(NAME, ["--coin", "BTC"])

    registry = ModelRegistry(settings.registry)
    assert job.failures == 1
    assert registry.aliases(NAME).champion == champion
    assert registry.versions(NAME) == [champion]
    assert "holds no 1h candles of BTC" in capsys.readouterr().out


def test_a_challenger_whose_gates_are_open_takes_over_where_nobody_serves(
    settings: Settings,
) -> None:
    version = ModelRegistry(settings.registry).add(a_direction_candidate())
    job = Retraining(settings, NOW)

    job.classifier(NAME, [])

    assert ModelRegistry(settings.registry).aliases(NAME).champion == version
    assert job.failures == 0


def test_a_challenger_stays_in_the_shadow_while_its_contest_is_open(settings: Settings) -> None:
    champion = a_direction_champion(settings.registry)
    challenger = ModelRegistry(settings.registry).add(a_direction_candidate(rounds=6))

    Retraining(settings, NOW).classifier(NAME, [])

    aliases = ModelRegistry(settings.registry).aliases(NAME)
    assert (aliases.champion, aliases.challenger) == (champion, challenger)
