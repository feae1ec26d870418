from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from signal_system.ml.model_registry import Aliases, ModelRegistry, NotPromotedError
from signal_system.models_cli import app as models
from signal_system.testing.regimes import CUTOFF, a_candidate, a_champion

NAME = "regime-BTC"


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path)


def run(registry: ModelRegistry, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(models, [*arguments, "--registry", str(registry.root)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_a_candidate_is_listed_promoted_and_rolled_back(registry: ModelRegistry) -> None:
    old, new = a_champion(registry.root), registry.add(a_candidate(penalty=6.0))

    listed = run(registry, "list")
    assert [old in listed, new in listed, "champion" in listed] == [True] * 3

    assert f"{new} is champion" in run(registry, "promote", NAME)
    assert registry.aliases(NAME) == Aliases(champion=new, previous=old)
    assert f"{old} is champion" in run(registry, "rollback", NAME)
    assert registry.aliases(NAME).champion == old


def test_the_card_of_any_version_or_alias_is_shown(registry: ModelRegistry) -> None:
    version = registry.add(a_candidate())

    for asked in ("challenger", "latest", version):
        assert f"# {NAME} {version}" in run(registry, "show", NAME, asked)


def test_one_whose_gates_are_shut_is_promoted_by_force_alone(registry: ModelRegistry) -> None:
    version = registry.add(a_candidate(passed=False))

    with pytest.raises(NotPromotedError):
        run(registry, "promote", NAME)

    assert version in run(registry, "promote", NAME, "--force")


def test_verifying_tells_whole_versions_from_others(registry: ModelRegistry) -> None:
    whole = registry.add(a_candidate())
    other = registry.add(a_candidate(penalty=6.0, created_at=CUTOFF + timedelta(days=1)))
    assert run(registry, "verify", NAME).count("whole") == 2
    (registry.root / NAME / other / "example.json").unlink()

    said = run(registry, "verify", NAME, code=78)

    assert f"{whole}: whole" in said
    assert f"{other}: refused" in said


def test_what_is_not_there_is_said_to_be_missing(registry: ModelRegistry) -> None:
    run(registry, "verify", NAME, code=78)
    with pytest.raises(Exception, match="has no champion version"):
        run(registry, "show", NAME)
