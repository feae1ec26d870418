import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRIVATE_PYTHON = """#!/bin/sh
case "$*" in
    *"pip install"*) cp "$STUBS/recent-uv" "${0%/*}/uv" ;;
    *"config get global.index-url"*) echo https://index.example.org/simple ;;
    *) exit 1 ;;
esac
"""
PYTHON_WITH_VENV = """#!/bin/sh
[ "$2" = venv ] || exit 1
mkdir -p "$3/bin" && cp "$STUBS/private-python" "$3/bin/python"
"""


class Machine:
    """A PATH that holds only what a test puts there, and a workspace that holds only the script."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "workspace"
        self.stubs = folder / "stubs"
        (self.root / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts/_bootstrap", self.root / "scripts")
        self.path = folder / "bin"
        self.path.mkdir()
        self.stubs.mkdir()
        for tool in ("sh", "cp", "mkdir", "rm", "sort", "dirname"):
            (self.path / tool).symlink_to(str(shutil.which(tool)))
        self.has("id", "#!/bin/sh\necho 1000\n")
        self.write(self.stubs / "recent-uv", "#!/bin/sh\necho uv 0.13.8\n")
        self.write(self.stubs / "private-python", PRIVATE_PYTHON)

    def has(self, name: str, script: str) -> None:
        self.write(self.path / name, script)

    def says(self, commands: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        script = f'. "{self.root}/scripts/_bootstrap"; {commands}'
        return subprocess.run(
            ["/bin/sh", "-euc", script, f"{self.root}/scripts/up"],
            env={"PATH": str(self.path), "STUBS": str(self.stubs), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @staticmethod
    def write(path: Path, script: str) -> None:
        path.write_text(script)
        path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_recent_uv_on_path_is_used(machine: Machine) -> None:
    machine.has("uv", "#!/bin/sh\necho 'uv 0.10.0 (x86_64-unknown-linux-gnu)'\n")

    assert machine.says('need_uv; echo "$UV"').stdout.strip() == str(machine.path / "uv")


@pytest.mark.parametrize("version", ["0.9.24", "0.1.0"])
def test_a_uv_too_old_is_passed_over_for_a_private_one(machine: Machine, version: str) -> None:
    machine.has("uv", f"#!/bin/sh\necho uv {version}\n")
    machine.has("python3", PYTHON_WITH_VENV)

    said = machine.says('need_uv; echo "$UV"')

    assert said.stdout.strip() == str(machine.root / ".tools/uv/bin/uv")
    assert "installing a private copy" in said.stderr


def test_a_private_uv_is_installed_once(machine: Machine) -> None:
    machine.has("python3", PYTHON_WITH_VENV)

    machine.says("need_uv")

    assert machine.says("need_uv").stderr == ""


def test_a_private_uv_looks_for_packages_where_pip_does(machine: Machine) -> None:
    machine.has("python3", PYTHON_WITH_VENV)

    by_file = machine.says('need_uv; echo "$UV_DEFAULT_INDEX"')
    by_environment = machine.says('need_uv; echo "$UV_DEFAULT_INDEX"', PIP_INDEX_URL="https://b")
    by_uv = machine.says('need_uv; echo "$UV_DEFAULT_INDEX"', UV_DEFAULT_INDEX="https://c")

    assert by_file.stdout.strip() == "https://index.example.org/simple"
    assert by_environment.stdout.strip() == "https://b"
    assert by_uv.stdout.strip() == "https://c"


def test_a_private_uv_trusts_whom_pip_trusts(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", PYTHON_WITH_VENV)
    (tmp_path / "ca.pem").touch()

    said = machine.says('need_uv; echo "$SSL_CERT_FILE"', PIP_CERT=str(tmp_path / "ca.pem"))

    assert said.stdout.strip() == str(tmp_path / "ca.pem")


def test_root_gets_what_python_lacks_from_the_distribution(machine: Machine) -> None:
    machine.has("id", "#!/bin/sh\necho 0\n")
    install = f"#!/bin/sh\n[ $1 = install ] || exit 0\ncp {machine.stubs}/python3 {machine.path}/\n"
    machine.has("apt-get", install)
    Machine.write(machine.stubs / "python3", PYTHON_WITH_VENV)

    said = machine.says('need_uv; echo "$UV"')

    assert said.stdout.strip() == str(machine.root / ".tools/uv/bin/uv")
    assert "installing python3-venv with apt-get" in said.stderr


def test_others_are_told_in_one_sentence_what_to_do(machine: Machine) -> None:
    said = machine.says("need_uv; echo unreached")

    assert said.returncode == 69
    assert said.stdout == ""
    assert "sudo apt-get install python3-venv" in said.stderr.splitlines()[-1]


def test_a_current_workspace_is_left_alone_without_a_word(machine: Machine) -> None:
    machine.has("uv", '#!/bin/sh\n[ "$1" = --version ] && echo uv 0.13.8\nexit 0\n')

    said = machine.says("need_uv; sync_workspace")

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_packages_that_cannot_be_installed_are_reported_with_the_way_out(machine: Machine) -> None:
    machine.has("uv", '#!/bin/sh\n[ "$1" = --version ] && echo uv 0.13.8 && exit\nexit 2\n')

    said = machine.says("need_uv; sync_workspace; echo unreached")

    assert said.returncode == 69
    assert said.stdout == ""
    assert "UV_DEFAULT_INDEX" in said.stderr


@pytest.mark.parametrize("script", ["up", "lock"])
def test_a_script_explains_itself(script: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / script, "--help"],
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert f"scripts/{script}" in done.stdout
