import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("market_scraper", "signal_system", "smart_money_signal_system", "hyperliquid_simulator")
pytestmark = [pytest.mark.clone, pytest.mark.timeout(900)]


def commands() -> list[str]:
    """Return every command that a member declares."""
    projects = [tomllib.loads(path.read_text()) for path in sorted(ROOT.glob("*/pyproject.toml"))]
    return [name for project in projects for name in project["project"].get("scripts", {})]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone what is committed."""
    folder = tmp_path_factory.mktemp("clone") / "repository"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def uv() -> str:
    found = os.environ.get("UV") or shutil.which("uv") or ROOT / ".tools/uv/bin/uv"
    return str(found)


def run(clone: Path, *command: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(
        command, cwd=clone, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_works_at_the_root_of_a_bare_clone(clone: Path, uv: str) -> None:
    assert "train-regime" in commands()

    for command in commands():
        assert "Usage" in run(clone, uv, "run", command, "--help")
    for module in MODULES:
        assert "Usage" in run(clone, uv, "run", "python", "-m", module, "--help")


def test_a_clone_resolves_to_the_pinned_versions(clone: Path, uv: str) -> None:
    run(clone, uv, "sync", "--all-groups")

    assert run(clone, "scripts/lock", "--check").strip() == "the pins are current"


def test_what_a_run_leaves_behind_is_ignored_by_git(clone: Path, uv: str) -> None:
    run(clone, uv, "sync", "--all-groups")

    assert run(clone, "git", "status", "--porcelain") == ""
