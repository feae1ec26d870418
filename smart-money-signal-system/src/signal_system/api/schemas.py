"""What the answers look like, for the reference at ``/docs``; the bytes themselves come encoded."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared_events.payloads import Regime, SignalSchema
from shared_events.types import Action, Coin, Finite, Freshness, Number, Probability, Text

Horizon = Literal["1h", "4h", "24h"]
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
