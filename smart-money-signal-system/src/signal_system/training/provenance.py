"""Which code and which libraries made a model."""

import subprocess
from hashlib import sha256
from importlib.metadata import distributions, version
from pathlib import Path

from signal_system.ml.manifest import Origin

PACKAGE = "smart-money-signal-system"
_LIBRARIES = ("hmmlearn", "numpy", "pandas", "scikit-learn", "ta-lib", "xgboost")
_SECONDS = 10


def origin() -> Origin:
    """Return where a model made now comes from."""
    installed = sorted({f"{each.name}=={each.version}".lower() for each in distributions()})
    return Origin(
        package=version(PACKAGE),
        git_commit=commit(Path(__file__)),
        pins_sha256=sha256("\n".join(installed).encode()).hexdigest(),
        libraries={name: version(name) for name in _LIBRARIES},
    )


def commit(file: Path) -> str | None:
    """Return the commit that `file` is checked out at, with "-dirty" if anything was changed.

    None if it is in no checkout, or there is no git.
    """
    if _git(file, "ls-files", "--error-unmatch", file.name) is None:
        return None
    return _git(file, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def _git(file: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 -- fixed words and our own file's name
            ("git", *arguments),  # noqa: S607 -- wherever the user has it
            cwd=file.parent,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
