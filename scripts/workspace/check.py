"""Run every check of the code, one line each, and show the whole output of those that fail."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Step:
    """One command and the name it goes by."""

    name: str
    command: tuple[str, ...]


def main() -> int:
    """Run the steps whose name starts with the given word, or all of them."""
    parser = argparse.ArgumentParser(prog="scripts/check", description=__doc__)
    parser.add_argument(
        "step", nargs="?", default="", help="only steps whose name starts with this"
    )
    parser.add_argument("--fix", action="store_true", help="first let ruff correct what it can")
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    if arguments.fix:
        for command in (("ruff", "check", "--fix", "--quiet"), ("ruff", "format", "--quiet")):
            subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False)
    chosen = [step for step in steps(ROOT) if step.name.startswith(arguments.step)]
    failed = [step.name for step in chosen if not _passes(step, console)]
    if failed:
        console.print(f"[red]{len(failed)} of {len(chosen)} checks failed[/]: {', '.join(failed)}")
    return 1 if failed or not chosen else 0


def steps(root: Path) -> Iterator[Step]:
    """Yield every check, the quick ones first."""
    yield Step("lint", ("ruff", "check", "--quiet"))
    yield Step("format", ("ruff", "format", "--check", "--quiet"))
    yield Step("pins", ("python", "-m", "workspace.lock", "--check"))
    yield Step("schemas", ("python", "-m", "shared_events.schemas", "--check"))
    yield Step("layers", ("lint-imports", "--no-cache"))
    yield Step("types of all sources", ("mypy", *(str(p.relative_to(root)) for p in sources(root))))
    for folder in checked_alone(root):
        yield Step(f"types of {folder.relative_to(root)}", ("mypy", str(folder.relative_to(root))))


def sources(root: Path) -> list[Path]:
    """Return every member's source folder."""
    return sorted(root.glob("*/src"))


def checked_alone(root: Path) -> list[Path]:
    """Return what mypy takes one at a time, as module names may repeat."""
    folders = [*sorted(root.glob("*/tests")), root / "tests", root / "scripts", root / "benchmarks"]
    return [*root.glob("*.py"), *(folder for folder in folders if any(folder.rglob("*.py")))]


def _passes(step: Step, console: Console) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        [str(BIN / step.command[0]), *step.command[1:]],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    passed = done.returncode == 0
    mark = "[green]ok[/]  " if passed else "[red]FAIL[/]"
    console.print(f"{mark} {time.monotonic() - started:6.1f} s  {step.name}")
    if not passed:
        console.print(f"$ {' '.join(step.command)}\n{done.stdout}", markup=False)
    return passed


if __name__ == "__main__":
    sys.exit(main())
