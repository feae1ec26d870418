"""What the answers about models look like, and what may be asked of one."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared_events.types import Finite, Probability, Text
from signal_system.ml.drift import DriftReport

MAX_ROWS = 64
MAX_COLUMNS = 256

Role = Literal["champion", "challenger"]
Cell = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]


class ModelRow(BaseModel):
    """One model: which versions its aliases name, what serves, and why a champion does not.

    ``serving`` and ``shadow`` are the versions that the running service took over; a version that
    was refused or has expired is not among them.
    """

    name: Text
    versions: int
    latest: Text | None
    champion: Text | None
    challenger: Text | None
    previous: Text | None
    serving: Text | None
    shadow: Text | None
    degraded: Text | None
    retrain: Text | None


class ModelList(BaseModel):
    """Every model in the registry."""

    models: list[ModelRow]


class GateRow(BaseModel):
    """A condition of promotion."""

    name: Text
    says: Text
    value: Finite | None
    threshold: Finite
    passed: bool


class VersionRow(BaseModel):
    """One version as its manifest tells it; ``refused`` says why nothing else is known."""

    version: Text
    created_at: datetime | None = None
    data_until: datetime | None = None
    expires_at: datetime | None = None
    passed: bool | None = None
    metrics: dict[str, float | None] = {}
    gates: list[GateRow] = []
    refused: str | None = None


class LiveRecord(BaseModel):
    """What became of a version's predictions since it came into service.

    ``base_rate_log_loss`` is what always naming the shares of the outcomes would have cost; they
    are known afterwards only, so it is hard to beat.
    """

    version: Text
    matured: int
    right: Probability | None
    log_loss: Finite | None
    base_rate_log_loss: Finite | None


class ModelDetail(ModelRow):
    """One model with all its versions, the newest first."""

    all_versions: list[VersionRow]
    live: list[LiveRecord]


class ModelCard(BaseModel):
    """A version's manifest in words (Markdown), generated from it and from nothing else."""

    name: Text
    version: Text
    card: str


class BestVersion(BaseModel):
    """The version whose manifest states the best value of a metric."""

    name: Text
    metric: Text
    version: Text
    value: Finite


class DriftReports(BaseModel):
    """What is found of the versions in service, the champion first."""

    reports: list[DriftReport]


class Question(BaseModel):
    """Rows of features, and which definition they follow.

    ``rows`` hold one number for each feature, in the order of ``features``; null is "not known".
    """

    model_config = ConfigDict(extra="forbid")

    spec_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    rows: Annotated[
        list[Annotated[list[Cell | None], Field(min_length=1, max_length=MAX_COLUMNS)]],
        Field(min_length=1, max_length=MAX_ROWS),
    ]
    role: Role = "champion"
    reasons: bool = False


class Answer(BaseModel):
    """What a version says to one row; ``reasons`` are parts of the raw margin of ``predicted``."""

    predicted: Text
    raw: dict[str, Probability]
    calibrated: dict[str, Probability]
    reasons: list[tuple[str, Finite]] | None


class Answers(BaseModel):
    """What a version says to every row, in their order."""

    model: Text
    version: Text
    role: Role
    horizon_seconds: int
    spec_hash: Text
    features: list[str]
    answers: list[Answer]
