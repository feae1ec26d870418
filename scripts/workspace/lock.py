"""Exact versions for everybody: one resolution, written down as constraints instead of a lock file.

A ``uv.lock`` names the hosts that packages came from; a pin names only what was chosen. The pins live
in the root ``pyproject.toml``, next to a fingerprint of what they were resolved from, so that asking
whether they are current needs no network. Production gets the same choice as a requirements file with
hashes.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESOLVED_ON = "2026-11-13T00:00:00Z"
"""Releases after this moment are not considered: let others find the broken and the poisoned ones."""

PRODUCTION = Path("deploy/systemd/requirements.txt")
_EXPORT = ("export", "--frozen", "--quiet", "--no-emit-workspace", "--no-header", "--no-annotate")
_SERVICES = ("--package", "market-scraper", "--package", "smart-money-signal-system")
_NEVER = "sys_platform == 'never'"
_BLOCK = re.compile(
    r"^# Pinned by scripts/lock.*?^constraint-dependencies = \[.*?^\]$", re.MULTILINE | re.DOTALL
)
_FINGERPRINT = re.compile(r"^# Pinned by scripts/lock from inputs (\w+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a resolution chose: a pin per package, and the same for production with hashes."""

    pins: tuple[str, ...]
    production: str


def main() -> int:
    """Write the pins, or with ``--check`` say what is wrong with them."""
    parser = argparse.ArgumentParser(prog="scripts/lock", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing, tell whether the pins are current"
    )
    if parser.parse_args().check:
        found = list(problems(ROOT))
        print("\n".join(found) or "the pins are current", file=sys.stderr if found else sys.stdout)
        return 1 if found else 0
    resolution = resolve(ROOT)
    (ROOT / "pyproject.toml").write_text(
        pinned((ROOT / "pyproject.toml").read_text(), resolution.pins, fingerprint(ROOT))
    )
    (ROOT / PRODUCTION).write_text(resolution.production)
    print(f"{len(resolution.pins)} packages pinned as of {RESOLVED_ON[:10]}")
    return 0


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for everything that the pins and the workspace disagree about.

    The pins are current when they were resolved from today's requirements, name every package that a
    member asks for, and equal what is installed.
    """
    pins = versions(root)
    written = _FINGERPRINT.search((root / "pyproject.toml").read_text())
    if written is None or written[1] != fingerprint(root):
        yield "the requirements changed since the pins were resolved: run scripts/lock"
    for name in sorted(required(root) - pins.keys()):
        yield f"{name} is required and not pinned: run scripts/lock"
    for name, version in sorted(installed(root).items()):
        if version not in pins.get(name, set()):
            chosen = " or ".join(sorted(pins.get(name, set()))) or "none"
            yield f"{name} {version} is installed, pinned is {chosen}: run uv sync --all-groups"
    if not (root / PRODUCTION).is_file():
        yield f"{PRODUCTION} is missing: run scripts/lock"


def fingerprint(root: Path) -> str:
    """Return a digest of everything the resolution depends on."""
    inputs = {"resolved_on": RESOLVED_ON, "projects": [_asked(p) for p in _projects(root)]}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def required(root: Path) -> set[str]:
    """Return the names of all packages that some member asks for, the members excepted."""
    asked = [_asked(project) for project in _projects(root)]
    lists = [a["dependencies"] for a in asked]
    lists += [extra for a in asked for extra in a["extras"].values()]
    lists += [group for a in asked for group in a["groups"].values()]
    names = {
        _name(line) for requirements in lists for line in requirements if isinstance(line, str)
    }
    return names - {a["name"] for a in asked}


def versions(root: Path) -> dict[str, set[str]]:
    """Return the pinned versions of every package; a marker may choose among several."""
    pins: dict[str, set[str]] = {}
    for pin in _toml(root / "pyproject.toml")["tool"]["uv"]["constraint-dependencies"]:
        pins.setdefault(_name(pin), set()).add(pin.partition("==")[2].partition(";")[0].strip())
    return pins


def installed(root: Path) -> dict[str, str]:
    """Return what the workspace's environment holds, the members excepted; empty if there is none."""
    paths = [str(p) for p in root.glob(".venv/lib/python*/site-packages")]
    members = {_asked(project)["name"] for project in _projects(root)}
    found = {_name(d.name): d.version for d in distributions(path=paths)} if paths else {}
    return {name: version for name, version in found.items() if name not in members}


def resolve(root: Path) -> Resolution:
    """Resolve the workspace without its pins, in a folder of its own.

    Raises
    ------
    subprocess.CalledProcessError
        If uv finds no resolution; it has said why on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for project in _projects(root):
            target = copy / project.relative_to(root)
            target.parent.mkdir(exist_ok=True)
            target.write_text(_BLOCK.sub("", project.read_text()))
        _uv(copy, "lock", "--quiet")
        everything = _uv(copy, *_EXPORT, "--all-packages", "--all-groups", "--no-hashes")
        return Resolution(
            pins=tuple(pin for pin in everything.splitlines() if _NEVER not in pin),
            production=_uv(copy, *_EXPORT, *_SERVICES, "--no-dev"),
        )


def pinned(pyproject: str, pins: tuple[str, ...], inputs: str) -> str:
    r"""Return the text of ``pyproject.toml`` with these pins in place of the old ones.

    Examples
    --------
    >>> old = "# Pinned by scripts/lock from inputs 0\nconstraint-dependencies = [\n]"
    >>> print(pinned(old, ("rich==15.0.0",), "1f"))
    # Pinned by scripts/lock from inputs 1f; a lock file would name download hosts.
    constraint-dependencies = [
        "rich==15.0.0",
    ]
    """
    head = f"# Pinned by scripts/lock from inputs {inputs}; a lock file would name download hosts."
    lines = "".join(f'    "{pin}",\n' for pin in pins)
    block = f"{head}\nconstraint-dependencies = [\n{lines}]"
    return _BLOCK.sub(lambda _: block, pyproject, count=1)


def _projects(root: Path) -> list[Path]:
    members = _toml(root / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
    return [root / "pyproject.toml", *(root / member / "pyproject.toml" for member in members)]


def _asked(project: Path) -> dict[str, Any]:
    toml = _toml(project)
    return {
        "name": toml["project"]["name"],
        "python": toml["project"]["requires-python"],
        "dependencies": toml["project"].get("dependencies", []),
        "extras": toml["project"].get("optional-dependencies", {}),
        "groups": toml.get("dependency-groups", {}),
        "overrides": toml.get("tool", {}).get("uv", {}).get("override-dependencies", []),
    }


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def _name(requirement: str) -> str:
    match = _NAME.match(requirement.strip())
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def _uv(folder: Path, *command: str) -> str:
    uv = os.environ.get("UV") or shutil.which("uv") or "uv"
    return subprocess.run(
        [uv, *command, "--exclude-newer", RESOLVED_ON],
        cwd=folder,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
