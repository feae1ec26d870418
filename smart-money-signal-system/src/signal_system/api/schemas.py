"""What the answers look like, for the reference at ``/docs``; the bytes themselves come encoded."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared_events.payloads import Regime, SignalSchema, WhaleAlert
from shared_events.types import Action, Coin, Finite, Freshness, Number, Probability, Text
from signal_system.ml.importances import Importances

Horizon = Literal["1h", "4h", "24h"]
_FEATURE_IMPORTANCE: dict[str, JsonValue] = {
    "model": "direction-4h-BTC",
    "coin": "BTC",
    "role": "challenger",
    "horizon_seconds": 14_400,
    "model_version": "0.1.0-20260101-cfa93bd32ff5-9d03d08ee22e",
    "spec_hash": "c7" * 32,
    "importances": {
        "explains": "raw_margin",
        "rows": 40_000,
        "folds": 8,
        "first": "2022-01-01T00:00:00Z",
        "last": "2026-01-01T00:00:00Z",
        "control": 0.02,
        "rank_agreement": 0.51,
        "columns": [
            {
                "name": "return_1",
                "permutation": {"value": 0.48, "low": -0.2, "high": 1.16},
                "shap": 0.022,
                "above_control": True,
                "folds_above": 0.5,
                "cluster": 0,
                "by_fold": [0.1, 0.9, -0.2, 1.0, 0.4, 0.6, 0.3, 0.7],
                "by_regime": {"bear": 0.48, "bull": 0.47},
            }
        ],
        "clusters": [
            {
                "columns": ["return_1"],
                "permutation": {"value": 0.45, "low": -0.18, "high": 1.08},
                "above_control": True,
            }
        ],
        "remove": [],
        "unknown": [],
    },
    "live": {
        "bar_closed_at": "2026-01-01T12:00:00Z",
        "predicted": "hold",
        "probability": 0.57,
        "explains": "raw_margin",
        "reasons": [["return_1", 0.11]],
    },
}

HORIZON_SECONDS: dict[Horizon, int] = {"1h": 3_600, "4h": 14_400, "24h": 86_400}
DEFAULT_HORIZON: Horizon = "4h"


class SignalRow(BaseModel):
    """One coin in the list: what a glance needs, about 300 bytes.

    ``failed_gate`` names the first gate that did not pass; None if all did. What is unknown is
    null, never zero.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    coin: Coin
    action: Action
    confidence: Probability
    calibrated: bool
    score: Finite
    probability_up: Probability
    horizon_seconds: Annotated[int, Field(gt=0)]
    status: Freshness
    voters: Annotated[int, Field(ge=0)]
    independent_voters: Annotated[float, Field(ge=0)]
    as_of: datetime
    coverage: Probability | None = None
    data_age_seconds: Annotated[float, Field(ge=0)] | None = None
    reference_price: Number | None = None
    net_exposure: Number | None = None
    regime: Text | None = None
    failed_gate: Text | None = None


class SignalList(BaseModel):
    """Every coin's newest signal over the default horizon, the majors first.

    ``as_of`` is when the newest of them was decided, in event time; ``status`` says how fresh the
    view of the traders is as a whole, ``regime`` what the market is in.
    """

    model_config = ConfigDict(extra="allow")

    signals: list[SignalRow]
    as_of: datetime | None = None
    status: Freshness | None = None
    regime: Text | None = None
    journal_position: int | None = None


class SignalPage(BaseModel):
    """Stored signals, newest first; ``next`` is the path of the page before them, null at the end."""

    signals: list[SignalSchema]
    next: str | None


class Regimes(BaseModel):
    """The market's regime, null before its first bar, and those of coins with their own model."""

    market: Regime | None
    coins: list[Regime]


class RegimeHistory(BaseModel):
    """The regime that ``coin`` is in; ``scope`` says whose it is, ``history`` when it turned."""

    coin: Coin
    scope: Text
    now: Regime | None
    history: list[Regime]


class LiveAttribution(BaseModel):
    """What spoke for the class that a version last held likeliest.

    ``reasons`` are columns with what each added to the raw margin of that class, the largest first;
    calibration keeps their order.
    """

    bar_closed_at: datetime
    predicted: Text
    probability: Probability
    explains: Text
    reasons: list[tuple[Text, Finite]]


class FeatureImportance(BaseModel):
    """What each feature was worth to a version in service, on rows it had not learned from.

    ``role`` is champion, or challenger: then no signal listens to it. ``live`` is null until it has
    been asked since the start.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_FEATURE_IMPORTANCE]})

    model: Text
    coin: Coin
    role: Literal["champion", "challenger"]
    horizon_seconds: Annotated[int, Field(gt=0)]
    model_version: Text
    spec_hash: Text
    importances: Importances
    live: LiveAttribution | None


class FeatureImportances(BaseModel):
    """The classifiers in service, of one coin or of all; none, if none is."""

    models: list[FeatureImportance]


class AlertPage(BaseModel):
    """Whale alerts, newest first; ``next`` is the cursor of the page after, null at the end."""

    alerts: list[WhaleAlert]
    next: str | None


class RuleStatistics(BaseModel):
    """How often a rule fired and, of what is known by now, how often the price went that way.

    Right is what beat the costs of a round trip four hours later. ``low`` and ``high`` are Wilson's
    95 % interval as if outcomes were independent, which neighbouring alerts are not.
    """

    rule: Text
    fired: Annotated[int, Field(ge=0)]
    resolved: Annotated[int, Field(ge=0)]
    right: Annotated[int, Field(ge=0)]
    share_right: Probability | None
    low: Probability | None
    high: Probability | None


class AlertStatistics(BaseModel):
    """Of every rule that fired since the journal began."""

    rules: list[RuleStatistics]


class Rejection(BaseModel):
    """An event that was set aside: its place in the request, from 0, and why."""

    index: int
    reason: str


class Intake(BaseModel):
    """What became of the events of one request."""

    accepted: int
    rejected: list[Rejection]


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Whether every part answers; ``failing`` names those that do not, and why."""

    status: Literal["ready", "unready"]
    failing: dict[str, str]


class ErrorBody(BaseModel):
    """What went wrong, in a word, in a sentence, and what to do about it."""

    code: str
    message: str
    hint: str


class ErrorDocument(BaseModel):
    """The body of every answer from 400 on."""

    error: ErrorBody
