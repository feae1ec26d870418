from pathlib import Path

import pytest

from workspace import lock

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = """
[project]
name = "workspace"
requires-python = ">=3.11"
dependencies = ["member"]

[tool.uv]
# Pinned by scripts/lock from inputs 0; a lock file would name download hosts.
constraint-dependencies = [
]

[tool.uv.workspace]
members = ["member"]
"""
MEMBER = """
[project]
name = "member"
requires-python = ">=3.11"
dependencies = ["Rich[jupyter]>=14 ; python_version > '3'"]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Lay out a workspace of one member, with nothing pinned."""
    (tmp_path / "member").mkdir()
    (tmp_path / "pyproject.toml").write_text(WORKSPACE)
    (tmp_path / "member/pyproject.toml").write_text(MEMBER)
    production = tmp_path / lock.PRODUCTION
    production.parent.mkdir(parents=True)
    production.touch()
    return tmp_path


def pin(workspace: Path, *pins: str) -> None:
    root = workspace / "pyproject.toml"
    root.write_text(lock.pinned(root.read_text(), pins, lock.fingerprint(workspace)))


def install(workspace: Path, name: str, version: str) -> None:
    folder = workspace / f".venv/lib/python3.11/site-packages/{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_the_pins_of_this_workspace_are_current() -> None:
    assert list(lock.problems(ROOT)) == []


def test_no_pin_names_a_host() -> None:
    for file in ("pyproject.toml", str(lock.PRODUCTION)):
        assert "://" not in (ROOT / file).read_text()


def test_a_requirement_that_changed_after_pinning_is_noticed(workspace: Path) -> None:
    pin(workspace, "rich==15.0.0")
    member = workspace / "member/pyproject.toml"

    member.write_text(member.read_text().replace(">=14", ">=15"))

    assert list(lock.problems(workspace)) == [
        "the requirements changed since the pins were resolved: run scripts/lock"
    ]


def test_a_package_without_a_pin_is_named(workspace: Path) -> None:
    pin(workspace, "typer==0.29.1")

    assert list(lock.problems(workspace)) == ["rich is required and not pinned: run scripts/lock"]


def test_an_installed_version_other_than_the_pinned_one_is_named(workspace: Path) -> None:
    pin(
        workspace,
        "rich==14.0.0 ; python_version < '3.12'",
        "rich==15.0.0 ; python_version >= '3.12'",
    )

    install(workspace, "rich", "13.0.0")

    assert list(lock.problems(workspace)) == [
        "rich 13.0.0 is installed, pinned is 14.0.0 or 15.0.0: run uv sync --all-groups"
    ]


def test_pinning_again_changes_the_pins_alone(workspace: Path) -> None:
    pin(workspace, "rich==14.0.0", "typer==0.29.1")
    pin(workspace, "rich==15.0.0")

    text = (workspace / "pyproject.toml").read_text()
    assert lock.versions(workspace) == {"rich": {"15.0.0"}}
    assert text.count("constraint-dependencies") == 1
    assert text.endswith('[tool.uv.workspace]\nmembers = ["member"]\n')
