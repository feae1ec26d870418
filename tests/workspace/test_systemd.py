import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy/systemd"
TIMERS = sorted(UNITS.glob("*.timer"))
JOBS = [timer.with_suffix(".service") for timer in TIMERS]
SERVICES = sorted(set(UNITS.glob("*.service")) - set(JOBS))
INSTALLED = "/opt/smart-money/current/bin"
MOST_EXPOSED = 20  # of 100; systemd calls everything up to 20 "OK"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
every_timer = pytest.mark.parametrize("timer", TIMERS, ids=lambda path: path.stem)
every_unit = pytest.mark.parametrize("unit", [*SERVICES, *JOBS], ids=lambda path: path.stem)
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
    for unit in [*SERVICES, *JOBS, *TIMERS, *UNITS.glob("*.target")]:
        text = unit.read_text().replace(INSTALLED, str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    return sorted(tmp_path.iterdir())


def analyze(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def wanted() -> set[str]:
    """Return what the target starts."""
    lines = (UNITS / "smart-money.target").read_text().splitlines()
    return {
        unit
        for line in lines
        if line.startswith("Wants=")
        for unit in line.removeprefix("Wants=").split()
    }


@needs_systemd
def test_systemd_accepts_every_unit_without_a_word(rendered: list[Path]) -> None:
    assert analyze("verify", "--man=no", *rendered) == ""


@needs_systemd
@every_unit
def test_a_service_can_touch_little_but_its_own_state(unit: Path, rendered: list[Path]) -> None:
    copy = next(path for path in rendered if path.name == unit.name)

    analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", copy)


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
    assert service.name in wanted()
    assert Unit(service)["Install"]["WantedBy"] == "smart-money.target"


@every_timer
def test_a_timer_comes_with_the_target_and_starts_a_job_that_gives_way(timer: Path) -> None:
    job = Unit(timer.with_suffix(".service"))["Service"]

    assert timer.name in wanted()
    assert Unit(timer)["Timer"]["Persistent"] == "true"
    assert (job["Type"], job["Nice"], job["IOSchedulingClass"]) == ("oneshot", "19", "idle")


@needs_systemd
@every_timer
def test_systemd_understands_when_a_timer_fires(timer: Path) -> None:
    assert "Next elapse" in analyze("calendar", Unit(timer)["Timer"]["OnCalendar"])


@every_unit
def test_a_service_runs_a_command_that_a_member_declares(unit: Path) -> None:
    command = Unit(unit)["Service"]["ExecStart"].split()[0]

    declared = (
        line for toml in ROOT.glob("*/pyproject.toml") for line in toml.read_text().splitlines()
    )
    assert any(line.startswith(f"{Path(command).name} = ") for line in declared)


def test_the_services_and_their_jobs_are_hardened_alike() -> None:
    def hardening(unit: Path) -> dict[str, str]:
        _, hardened = unit.read_text().split("# What it may use of the machine.")
        return dict(line.split("=", 1) for line in hardened.splitlines() if "=" in line)

    first, *others = (hardening(unit) for unit in [*SERVICES, *JOBS])

    first.pop("WantedBy")
    for other in others:
        other.pop("WantedBy", None)
        assert other == first


def test_the_installer_is_a_script_that_a_plain_shell_can_read() -> None:
    subprocess.run(["sh", "-n", UNITS / "install.sh"], check=True)
