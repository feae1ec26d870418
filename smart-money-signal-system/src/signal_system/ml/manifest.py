"""What is written down about a version of a model: everything but the model."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal

from msgspec import json
from pydantic import BaseModel, ConfigDict, Field

from shared_events.types import UtcDatetime

NAME = r"^[A-Za-z0-9][A-Za-z0-9@:._\-]{0,99}$"
"""What names, versions and files may be called: one part of a path, never a way out of it."""

Name = Annotated[str, Field(pattern=NAME)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_NOT_CONTENT = {"version", "digest", "created_at"}
_DIGITS = 12


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Signature(_Part):
    """What goes in, by the hash of its definition and by name, and what comes out."""

    features_hash: Digest
    features: tuple[str, ...]
    classes: tuple[str, ...]
    output: str


class DataRange(_Part):
    """Bars that were learned from; the digest is of their content, not of a file."""

    source: str
    sha256: Digest
    first: UtcDatetime
    last: UtcDatetime
    rows: int = Field(ge=0)
    missing: int = Field(ge=0)


class Gate(_Part):
    """One condition of promotion; `value` is None where it could not be measured: not passed."""

    name: str
    says: str
    value: float | None
    threshold: float
    passed: bool


class Origin(_Part):
    """Which code made it, with which libraries: the commit if one is known."""

    package: str
    git_commit: str | None
    pins_sha256: Digest
    libraries: dict[str, str]


class Manifest(_Part):
    """Everything about one version.

    Parameters
    ----------
    digest
        SHA-256 of this without `version`, `digest` and `created_at`; as `files` holds the hash of
        every file, it names the content as a whole.
    trials
        How many variants were looked at before this one was chosen.
    expires_at
        From then on it is not believed any more; None is never.
    """

    format: Literal[1] = 1
    name: Name
    kind: Name
    version: Name = "unversioned"
    digest: str = ""
    created_at: UtcDatetime
    data_until: UtcDatetime
    expires_at: UtcDatetime | None
    signature: Signature
    data: tuple[DataRange, ...] = Field(min_length=1)
    metrics: dict[str, float | None]
    gates: tuple[Gate, ...]
    origin: Origin
    seed: int
    trials: int = Field(ge=1)
    parent: str | None
    files: dict[Name, Digest]

    @property
    def passed(self) -> bool:
        """Whether every gate is open."""
        return all(gate.passed for gate in self.gates)

    def is_expired(self, now: datetime) -> bool:
        """Tell whether it is too old to be believed."""
        return self.expires_at is not None and now >= self.expires_at

    def signed(self) -> "Manifest":
        """Return this with the digest and the version that follow from its content."""
        digest = sha256(canonical(self.model_dump(mode="json", exclude=_NOT_CONTENT))).hexdigest()
        commit = self.origin.git_commit or "nogit"
        parts = (self.origin.package, f"{self.data_until:%Y%m%d}", commit, digest[:_DIGITS])
        return self.model_copy(update={"digest": digest, "version": "-".join(parts)})


def canonical(value: object) -> bytes:
    """Return `value` as JSON with sorted keys: equal values give equal bytes.

    Examples
    --------
    >>> canonical({"b": 1.5, "a": [True, None]})
    b'{"a":[true,null],"b":1.5}'
    """
    return json.encode(value, order="sorted")
