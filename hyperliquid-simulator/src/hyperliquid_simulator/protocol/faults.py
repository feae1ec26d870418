"""Failures on command: how they are written down, when they begin, and which are going on.

A faults file is a JSON list such as ``[{"kind": "refuse", "at": 30, "for": 10}]``, in seconds of
venue time since the start. The kinds, and how to add one, are in `failures`.
"""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Final

import orjson

from hyperliquid_simulator.errors import ConfigError, RequestError
from hyperliquid_simulator.protocol.failures import (
    FAULTS,
    ChannelFault,
    ClockSkew,
    Effect,
    Fault,
    SlowAnswers,
)
from hyperliquid_simulator.world.world import World

USUAL_SECONDS: Final = 0.5


def listing() -> str:
    """Return what a user must know to write failures down: every kind and its parameters."""
    return "\n".join(
        [
            'A failure is written `{"kind": "refuse", "at": 30, "for": 10}`, in seconds of venue time',
            f"since the start; `for` is {USUAL_SECONDS:g} if left out. The kinds:",
            "",
            *(line for kind in FAULTS for line in _explained(kind)),
        ]
    )


def written(fault: Fault) -> str:
    """Return a failure as a faults file says it, in JSON."""
    return orjson.dumps(_row(fault)).decode()


def _explained(kind: str) -> list[str]:
    meaning = (FAULTS[kind].__doc__ or "").splitlines()[0]
    return [f"- `{kind}`: {meaning}", *map(_parameter, _own_fields(FAULTS[kind]))]


def _parameter(field: Field[Any]) -> str:
    usual = "" if field.default is None else f" ({field.default})"
    return f"    - `{field.name}`{usual}: {field.metadata['meaning']}"


def parse_fault(row: Any, now: float = 0.0) -> Fault:
    """Read one failure; ``at`` defaults to now. Raises ConfigError saying what is wrong."""
    if not isinstance(row, dict) or row.get("kind") not in FAULTS:
        raise ConfigError(f"fault {row!r}: its kind must be one of {', '.join(FAULTS)}.")
    kind = FAULTS[row["kind"]]
    own = {f.name: f for f in _own_fields(kind)}
    unknown = row.keys() - own.keys() - {"kind", "at", "for"}
    if unknown:
        known = ", ".join(["at", "for", *own])
        raise ConfigError(f"fault {row!r}: it knows no {min(unknown)!r}, only {known}.")
    at, lasts = row.get("at", now), row.get("for", USUAL_SECONDS)
    if not all(_is_number(n) and n >= 0 for n in (at, lasts)):
        raise ConfigError(f"fault {row!r}: 'at' and 'for' must be seconds, 0 or more.")
    given = {key: _checked(row, own[key]) for key in own if row.get(key) is not None}
    return kind(at=float(at), lasts=float(lasts), **given)


def read_faults(path: Path) -> list[Fault]:
    """Read a faults file; raises ConfigError saying what is wrong with it."""
    try:
        rows = orjson.loads(path.read_bytes())
    except OSError as e:
        raise ConfigError(f"--faults {path}: cannot be read ({e.strerror}).") from e
    except orjson.JSONDecodeError as e:
        raise ConfigError(f"--faults {path}: is not JSON ({e}).") from e
    if not isinstance(rows, list):
        raise ConfigError(f"--faults {path}: must hold a JSON list of faults.")
    return [parse_fault(row) for row in rows]


class Faults:
    """All planned failures; `advance` decides which of them are going on.

    Raises
    ------
    ConfigError
        If the world cannot have one of them.
    """

    def __init__(self, planned: Sequence[Fault], now: Callable[[], float], world: World) -> None:
        self._now = now
        self._world = world
        self._going: list[Fault] = []
        for fault in planned:
            fault.check(world)
        self._waiting = sorted(planned, key=lambda fault: fault.at)

    def add(self, row: Any) -> Fault:
        """Plan one more failure, from now on if it does not say when; see `parse_fault`."""
        fault = parse_fault(row, self._now())
        fault.check(self._world)
        self._waiting = sorted([*self._waiting, fault], key=lambda other: other.at)
        self.advance()
        return fault

    def advance(self) -> None:
        """Begin the failures whose time has come, and end those whose time is over."""
        if not self._waiting and not self._going:
            return
        now = self._now()
        begun = [fault for fault in self._waiting if fault.at <= now]
        self._waiting = self._waiting[len(begun) :]
        self._going = [fault for fault in [*self._going, *begun] if now < fault.until]
        for fault in begun:
            fault.begin(self._world)

    def refusal(self) -> RequestError | None:
        """Return what every request gets instead of an answer, if anything."""
        for fault in self._going:
            if fault.refusal is not None:
                return RequestError(*fault.refusal)
        return None

    @property
    def delay_seconds(self) -> float:
        """How long answers are held back now."""
        return max((f.seconds for f in self._going if isinstance(f, SlowAnswers)), default=0.0)

    @property
    def skew_ms(self) -> float:
        """How far time stamps run ahead now."""
        return sum(f.ms for f in self._going if isinstance(f, ClockSkew))

    def has(self, effect: Effect) -> bool:
        """Tell whether an effect lasts now."""
        return any(fault.effect is effect for fault in self._going)

    def of_channel(self, channel: str) -> list[Effect]:
        """Return what the data frames of a channel suffer now."""
        return [
            fault.effect
            for fault in self._going
            if isinstance(fault, ChannelFault)
            and fault.effect is not None
            and fault.channel in {None, channel}
        ]

    def report(self) -> dict[str, list[dict[str, Any]]]:
        """Return what is going on and what is still to come, as a faults file says it."""
        return {"going": [*map(_row, self._going)], "waiting": [*map(_row, self._waiting)]}


def _own_fields(kind: type[Fault]) -> list[Field[Any]]:
    common = {f.name for f in fields(Fault)}
    return [f for f in fields(kind) if f.name not in common and f.default is not MISSING]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _checked(row: dict[str, Any], field: Field[Any]) -> Any:
    value, bounds = row[field.name], field.metadata.get("bounds")
    words = field.metadata.get("words")
    if words is not None:
        if value not in list(words):
            raise ConfigError(f"fault {row!r}: {field.name!r} is one of {', '.join(words)}.")
        return words(value)
    if bounds is None:
        if not isinstance(value, str):
            raise ConfigError(f"fault {row!r}: {field.name!r} must be a name.")
        return value
    least, most = bounds
    whole = isinstance(field.default, int)
    if not _is_number(value) or not least <= value <= most or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"fault {row!r}: {field.name!r} must be {kind}, {least:g} to {most:g}.")
    return int(value) if whole else float(value)


def _row(fault: Fault) -> dict[str, Any]:
    kind = next(name for name, known in FAULTS.items() if known is type(fault))
    own = {f.name: getattr(fault, f.name) for f in _own_fields(type(fault))}
    return {"kind": kind, "at": fault.at, "for": fault.lasts, **own}
