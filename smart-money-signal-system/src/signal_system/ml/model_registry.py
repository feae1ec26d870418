"""Versions of models in folders that never change, and the names that point at them.

``registry/{name}/{version}/`` holds ``manifest.json``, the model's files and a generated card;
``registry/{name}/aliases.json`` says which version is champion, challenger and previous. Whatever
is loaded was verified first: a version that is damaged, tampered with, of another build, or holds
anything that could run code is refused.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from re import fullmatch
from tempfile import mkdtemp
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared_events.errors import ConfigError
from signal_system.ml.manifest import NAME, Manifest, Name, canonical
from signal_system.ml.model_card import card
from signal_system.ml.model_kinds import KINDS, Kind, ModelRefusedError, example, require_answers

MANIFEST, CARD, EXAMPLE, ALIASES = "manifest.json", "MODEL_CARD.md", "example.json", "aliases.json"

REGIME = "regime-"
"""What the names of regime models begin with; the coin follows."""

DIRECTION = "direction-"
"""What the names of classifiers begin with; horizon and coin follow."""

Alias = Literal["champion", "challenger", "previous"]
ALIAS_NAMES: tuple[Alias, ...] = ("champion", "challenger", "previous")

_SUFFIXES = {".json", ".html", ".md", ".ubj", ".onnx"}
_ARCHIVES_AND_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK", b"\x1f\x8b")
_MOST_BYTES = 64 << 20


class UnknownModelError(ConfigError):
    """There is no such model, version or alias."""


class NotPromotedError(ConfigError):
    """A gate is shut, or the version has expired."""


class Aliases(BaseModel):
    """Which version is which; None is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    champion: Name | None = None
    challenger: Name | None = None
    previous: Name | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to be registered, with everything that is known of it but its files' hashes.

    Attributes
    ----------
    files
        Those of its kind, and reports.
    inputs
        What it is asked whenever it is loaded.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    inputs: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A verified version: its manifest, the model, and the model's files."""

    manifest: Manifest
    model: Any
    files: Mapping[str, bytes]


class ModelRegistry:
    """The versions in one folder.

    Parameters
    ----------
    root
        Made when something is first registered.
    kinds
        Which models can be read.
    """

    def __init__(self, root: Path, kinds: Mapping[str, Kind] = KINDS) -> None:
        self.root, self._kinds = root, kinds

    def names(self) -> Sequence[str]:
        """Return the models there are."""
        return _folders(self.root)

    def versions(self, name: str) -> Sequence[str]:
        """Return the versions of `name`, the oldest first; none if there is no such model."""

        def made(version: str) -> tuple[str, str]:
            manifest = self._readable(name, version)
            return "" if manifest is None else manifest.created_at.isoformat(), version

        return sorted(_folders(self._home(name)), key=made)

    def latest(self, name: str) -> str | None:
        """Return the newest version."""
        return next(reversed(self.versions(name)), None)

    def best(self, name: str, metric: str, *, lowest: bool = False) -> str | None:
        """Return the version with the highest value of `metric`; None if none states it."""
        known = {version: self._readable(name, version) for version in self.versions(name)}
        stated = {
            version: value
            for version, manifest in known.items()
            if manifest is not None and (value := manifest.metrics.get(metric)) is not None
        }
        return max(stated, key=lambda v: -stated[v] if lowest else stated[v], default=None)

    def aliases(self, name: str) -> Aliases:
        """Return which version is which.

        Raises
        ------
        ModelRefusedError
            If the file that says so is damaged.
        """
        path = self._home(name) / ALIASES
        try:
            return Aliases.model_validate_json(path.read_bytes()) if path.exists() else Aliases()
        except (OSError, ValidationError) as e:
            raise ModelRefusedError(f"{path} cannot be read: restore it or promote anew") from e

    def resolved(self, name: str, version: str) -> str:
        """Return the version that an alias, or "latest", stands for; a version stands for itself.

        Raises
        ------
        UnknownModelError
            If it stands for none.
        """
        found: str | None = self.aliases(name).model_dump().get(version, version)
        if version == "latest":
            found = self.latest(name)
        if found is None:
            raise UnknownModelError(f"{name!r} has no {version} version: signal-system models list")
        return found

    def manifest(self, name: str, version: str) -> Manifest:
        """Return what is written about a version, which need not be true: `load` verifies."""
        path = self._home(name) / _checked(version) / MANIFEST
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except FileNotFoundError as e:
            raise UnknownModelError(f"there is no version {version!r} of {name!r}") from e
        except (OSError, ValidationError) as e:
            raise ModelRefusedError(f"{path} is no manifest: {_first_line(e)}") from e

    def load(self, name: str, version: str) -> Loaded:
        """Return a version, after everything about it was verified.

        Raises
        ------
        ModelRefusedError
            Saying what is wrong with it.
        UnknownModelError
            If there is none.
        """
        manifest = self.manifest(name, version)
        files = _files(self._home(name) / version)
        _require_whole(manifest, name, version, files)
        kind = self._kinds.get(manifest.kind)
        if kind is None or not kind.files <= files.keys():
            raise ModelRefusedError(f"this build has no way to read a {manifest.kind!r} from it")
        model = kind.load(version, files)
        require_answers(kind, model, files[EXAMPLE])
        of_kind = (kind.files | kind.derived) & files.keys()
        return Loaded(manifest, model, {file: files[file] for file in sorted(of_kind)})

    def add(self, candidate: Candidate) -> str:
        """Register `candidate` as challenger and return its version; the same one twice is one."""
        manifest, files = self._completed(candidate)
        home = self._home(manifest.name)
        with self._writing():
            home.mkdir(parents=True, exist_ok=True)
            if not (home / manifest.version).exists():
                _write_folder(home / manifest.version, files)
            if self.aliases(manifest.name).champion != manifest.version:
                self._alias(manifest.name, challenger=manifest.version)
        return manifest.version

    def promote(self, name: str, version: str, now: datetime, *, force: bool = False) -> None:
        """Make `version` champion and the champion previous.

        Raises
        ------
        NotPromotedError
            If a gate is shut or it has expired, unless `force`.
        """
        manifest = self.load(name, version).manifest
        shut = ", ".join(gate.name for gate in manifest.gates if not gate.passed)
        if not force and shut:
            raise NotPromotedError(f"{version} did not pass: {shut}; --force promotes it still")
        if not force and manifest.is_expired(now):
            raise NotPromotedError(
                f"{version} expired at {manifest.expires_at}: train on newer data; the service"
                " would go on with its baseline"
            )
        with self._writing():
            known = self.aliases(name)
            if known.champion != version:
                challenger = None if known.challenger == version else known.challenger
                self._alias(name, champion=version, challenger=challenger, previous=known.champion)

    def rollback(self, name: str) -> str | None:
        """Make the previous champion champion again and return its version.

        None if there was none before: then the baseline serves. Twice is as if never.

        Raises
        ------
        UnknownModelError
            If nothing was ever promoted.
        """
        known = self.aliases(name)
        if known.champion is None and known.previous is None:
            raise UnknownModelError(f"no version of {name!r} was ever promoted")
        if known.previous is not None:
            self.load(name, known.previous)
        with self._writing():
            self._alias(name, champion=known.previous, previous=known.champion)
        return known.previous

    def _completed(self, candidate: Candidate) -> tuple[Manifest, Mapping[str, bytes]]:
        """Return the signed manifest and every file, the model having been read back once."""
        kind = self._kinds[candidate.manifest.kind]
        model = kind.load("unversioned", candidate.files)
        files = {**candidate.files, EXAMPLE: example(kind, model, candidate.inputs)}
        hashes = {file: sha256(raw).hexdigest() for file, raw in files.items()}
        manifest = candidate.manifest.model_copy(update={"files": hashes}).signed()
        files[MANIFEST] = canonical(manifest.model_dump(mode="json"))
        files[CARD] = card(manifest).encode()
        return manifest, files

    def _alias(self, name: str, **moved: str | None) -> None:
        known = self.aliases(name).model_copy(update=moved)
        _replace(self._home(name) / ALIASES, canonical(known.model_dump(mode="json")))

    def _home(self, name: str) -> Path:
        return self.root / _checked(name)

    def _readable(self, name: str, version: str) -> Manifest | None:
        try:
            return self.manifest(name, version)
        except ModelRefusedError:
            return None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let nobody else write for as long as the context lasts."""
        self.root.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def regime_name(coin: str) -> str:
    """Return what the regime model of `coin` is called.

    Examples
    --------
    >>> regime_name("BTC")
    'regime-BTC'
    """
    return REGIME + coin


def direction_name(coin: str, horizon: timedelta) -> str:
    """Return what the classifier of `coin` at `horizon` is called.

    Examples
    --------
    >>> direction_name("BTC", timedelta(hours=4))
    'direction-4h-BTC'
    """
    return f"{DIRECTION}{horizon // timedelta(hours=1)}h-{coin}"


def _files(folder: Path) -> dict[str, bytes]:
    """Return every file of a version, none of which could run code, or refuse them all."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or path.suffix not in _SUFFIXES:
            raise ModelRefusedError(f"{path.name} has no business in a version of a model")
        if path.stat().st_size > _MOST_BYTES:
            raise ModelRefusedError(f"{path.name} is larger than any model here")
        raw = path.read_bytes()
        if raw.startswith(_ARCHIVES_AND_PICKLES):
            raise ModelRefusedError(f"{path.name} is a pickle or an archive: such are never loaded")
        found[path.name] = raw
    return found


def _require_whole(manifest: Manifest, name: str, version: str, files: Mapping[str, bytes]) -> None:
    signed = manifest.signed()
    if (manifest.name, manifest.version) != (name, version) or signed != manifest:
        raise ModelRefusedError("its manifest was changed after it was signed")
    if files.get(MANIFEST) != canonical(manifest.model_dump(mode="json")):
        raise ModelRefusedError(f"{MANIFEST} is not as it was written")
    if files.keys() != manifest.files.keys() | {MANIFEST, CARD} or EXAMPLE not in files:
        raise ModelRefusedError("files are missing, or there are more than its manifest names")
    for file, digest in manifest.files.items():
        if sha256(files[file]).hexdigest() != digest:
            raise ModelRefusedError(f"{file} is not what it was when it was made")
    if files[CARD] != card(manifest).encode():
        raise ModelRefusedError(f"{CARD} does not say what the manifest says")


def _write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Make `target` with `files` in it, whole or not at all."""
    made = Path(mkdtemp(prefix=".new-", dir=target.parent))
    try:
        for file, raw in files.items():
            _write(made / file, raw)
            (made / file).chmod(0o444)
        made.chmod(0o755)
        made.rename(target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    _flush(target.parent)


def _replace(path: Path, raw: bytes) -> None:
    """Put `raw` at `path`: whoever reads finds the old content or the new, never half of it."""
    fresh = path.with_name(f".{path.name}.new")
    _write(fresh, raw)
    fresh.replace(path)
    _flush(path.parent)


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _folders(home: Path) -> Sequence[str]:
    if not home.is_dir():
        return []
    return sorted(path.name for path in home.iterdir() if path.is_dir() and _is_name(path.name))


def _checked(name: str) -> str:
    if not _is_name(name):
        raise UnknownModelError(f"{name!r} cannot be the name of a model or a version")
    return name


def _is_name(name: str) -> bool:
    return fullmatch(NAME, name) is not None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
