import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy/systemd"
SERVICES = sorted(UNITS.glob("*.service"))
INSTALLED = "/opt/smart-money/current/bin"
MOST_EXPOSED = 20  # of 100; systemd calls everything up to 20 "OK"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem)


class Unit(configparser.RawConfigParser):
    """A unit file, names as written; of repeated settings the last one counts."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser documents it
        self.read(path)


@pytest.fixture
def rendered(tmp_path: Path) -> list[Path]:
    """Copy the units with the programs of this environment in place of the installed ones."""
    for unit in [*SERVICES, *UNITS.glob("*.target")]:
        text = unit.read_text().replace(INSTALLED, str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    return sorted(tmp_path.iterdir())


def analyze(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_systemd
def test_systemd_accepts_every_unit_without_a_word(rendered: list[Path]) -> None:
    assert analyze("verify", "--man=no", *rendered) == ""


@needs_systemd
@every_service
def test_a_service_can_touch_little_but_its_own_state(service: Path, rendered: list[Path]) -> None:
    unit = next(path for path in rendered if path.name == service.name)

    analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)


@every_service
def test_a_wrong_setting_ends_a_service_for_good_and_anything_else_restarts_it(
    service: Path,
) -> None:
    settings = Unit(service)["Service"]

    assert settings["Type"] == "notify"
    assert settings["Restart"] == "on-failure"
    assert settings["RestartPreventExitStatus"] == "78"
    assert float(settings["WatchdogSec"]) > 0


@every_service
def test_a_service_belongs_to_the_target(service: Path) -> None:
    target = Unit(UNITS / "smart-money.target")

    assert service.name in target["Unit"]["Wants"].split()
    assert Unit(service)["Install"]["WantedBy"] == "smart-money.target"


@every_service
def test_a_service_runs_a_command_that_a_member_declares(service: Path) -> None:
    command = Unit(service)["Service"]["ExecStart"].split()[0]

    declared = (
        line for toml in ROOT.glob("*/pyproject.toml") for line in toml.read_text().splitlines()
    )
    assert any(line.startswith(f"{Path(command).name} = ") for line in declared)


def test_the_services_are_hardened_alike() -> None:
    own = {"ExecStart", "StateDirectory", "WorkingDirectory", "Environment", "EnvironmentFile"}
    own |= {"LoadCredential", "MemoryMax"}

    shared = [{k: v for k, v in Unit(s)["Service"].items() if k not in own} for s in SERVICES]

    assert all(settings == shared[0] for settings in shared)


def test_the_installer_is_a_script_that_a_plain_shell_can_read() -> None:
    subprocess.run(["sh", "-n", UNITS / "install.sh"], check=True)
