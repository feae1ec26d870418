"""Which features, over which bars, by which rules: one value whose hash travels with every number."""

from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from msgspec import json

from shared_events.errors import ConfigError
from shared_events.payloads.market import Interval
from signal_system.ml.features.bar import INTERVAL_MS
from signal_system.ml.features.feature import Column, Feature


class SpecMismatchError(ConfigError):
    """Data or a model were made by other definitions than this build has."""


@dataclass(frozen=True, slots=True)
class GapPolicy:
    """What is done where the bars are not one after the other.

    A missing bar is left out: windows are of bars, not of hours. A duplicate changes nothing, a bar
    that comes late is put in its place, a correction replaces what it corrects, a corrupt or
    off-grid bar counts as missing.

    Attributes
    ----------
    max_missing_bars
        After a longer gap nothing before it is used any more.
    """

    max_missing_bars: int = 48


@dataclass(frozen=True)
class FeatureSpec:
    """An ordered list of features and the rules that they are computed by.

    State is opened anew at every `reopen_every_bars`-th bar of the interval's grid (counted from
    1970), on the last `warm_up_bars` before it. A value therefore follows from the bars of one
    bounded stretch alone: wherever the history began, however often the process was restarted.

    Attributes
    ----------
    warm_up_bars
        How many bars a state is opened on.
    least_bars
        How few will do while there are no more: with fewer there are no values.
    """

    name: str
    interval: Interval
    features: tuple[Feature, ...]
    warm_up_bars: int
    least_bars: int
    reopen_every_bars: int
    gaps: GapPolicy = GapPolicy()

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        needed = max(feature.lookback for feature in self.features)
        if not needed <= self.least_bars <= self.warm_up_bars:
            raise ConfigError(
                f"the spec {self.name!r} needs {needed} <= least_bars <= warm_up_bars, and has"
                f" {self.least_bars} and {self.warm_up_bars}"
            )
        if len(set(self.names)) < len(self.names):
            raise ConfigError(f"the spec {self.name!r} names a column twice")

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What a row holds, in order."""
        return tuple(column for feature in self.features for column in feature.columns)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def interval_ms(self) -> int:
        """How long a bar lasts."""
        return INTERVAL_MS[self.interval]

    @property
    def kept_bars(self) -> int:
        """The most bars that any value follows from."""
        return self.warm_up_bars + self.reopen_every_bars

    @cached_property
    def canonical(self) -> bytes:
        """Everything that decides a value, as JSON with sorted keys: the same bytes everywhere."""
        return json.encode(self._definition(), order="sorted")

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of `canonical`, hexadecimal."""
        return sha256(self.canonical).hexdigest()

    def require(self, canonical: bytes, of: str) -> None:
        """Return if `of` was made by this very spec.

        Raises
        ------
        SpecMismatchError
            Naming what differs.
        """
        if canonical == self.canonical:
            return
        theirs, ours = json.decode(canonical), json.decode(self.canonical)
        keys = [key for key in ours if not isinstance(theirs, dict) or theirs.get(key) != ours[key]]
        raise SpecMismatchError(
            f"{of} was made by another {self.name!r} than this build has (they differ in"
            f" {', '.join(keys)}): build or train it anew, or run the version that made it"
        )

    def _definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "interval": self.interval,
            "features": [feature.definition() for feature in self.features],
            "warm_up_bars": self.warm_up_bars,
            "least_bars": self.least_bars,
            "reopen_every_bars": self.reopen_every_bars,
            "gaps": asdict(self.gaps),
            "dtype": "float32",
            "libraries": sorted({each.library for each in self.features if each.library}),
        }
