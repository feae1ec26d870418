"""What the signal system says: signals, what became of them, regimes, predictions, alerts."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared_events.envelope import Part, Payload
from shared_events.types import (
    Action,
    Address,
    Coin,
    Finite,
    Freshness,
    Number,
    Probability,
    Text,
    UtcDatetime,
)


class ContributionSchema(Part):
    """One entity's part in a signal.

    ``weight`` is what its opinion counts, ``dimensions`` how that weight came about, ``exposure``
    the USD it holds (signed), ``effect`` the score (log-odds) that would be missing without it.
    """

    address: Address
    weight: Finite
    exposure: Number | None
    effect: Finite
    dimensions: Mapping[str, Finite] = Field(default_factory=dict)


class GateSchema(Part):
    """One condition of an opinion: a signal that fails any is NEUTRAL."""

    name: Text
    value: Finite | None
    threshold: Finite
    passed: bool
    reason: Text = ""


class RegimeViewSchema(Part):
    """The regime a signal was decided in."""

    state: Text
    probability: Probability | None
    scope: Text


class ModelsSchema(Part):
    """Versions of the models that took part; None where none did."""

    regime: Text | None = None
    calibration: Text | None = None
    classifier: Text | None = None


class SignalSchema(Payload):
    """An opinion on one coin over one horizon, with all that is needed to check it.

    ``score`` is the log-odds before the gates. ``confidence`` is the probability that the action is
    right after costs at the horizon (NEUTRAL: that neither side pays); while `calibrated` is false
    it is the base rate alone. ``hash`` covers every other field and ``prev_hash``: a chain.
    """

    event_type: ClassVar[str] = "signals"

    coin: Coin
    horizon_seconds: Annotated[int, Field(gt=0)]
    action: Action
    score: Finite
    probability_up: Probability
    confidence: Probability
    calibrated: bool
    status: Freshness
    as_of: UtcDatetime
    valid_until: UtcDatetime
    freshness_limit_seconds: Annotated[float, Field(gt=0)]
    voters: Annotated[int, Field(ge=0)]
    independent_voters: Annotated[float, Field(ge=0)]
    independence_method: Text
    scheme: Text
    arm: Text
    config_hash: Text
    journal_position: Annotated[int, Field(ge=0)]
    prev_hash: Text
    hash: Text
    expected_value_after_costs: Finite | None = None
    reference_price: Number | None = None
    reference_price_at: UtcDatetime | None = None
    data_age_seconds: Annotated[float, Field(ge=0)] | None = None
    coverage: Probability | None = None
    net_exposure: Number | None = None
    net_exposure_change: Number | None = None
    long_exposure: Number | None = None
    short_exposure: Number | None = None
    cost_to_flip_usd: Number | None = None
    regime: RegimeViewSchema | None = None
    contributions_for: tuple[ContributionSchema, ...] = ()
    contributions_against: tuple[ContributionSchema, ...] = ()
    gates: tuple[GateSchema, ...] = ()
    models: ModelsSchema = ModelsSchema()

    @property
    def subject(self) -> str:
        """Coin and horizon: ``BTC:4h``."""
        return f"{self.coin}:{self.horizon_seconds // 3600}h"

    @property
    def identity(self) -> str:
        """The journal position it was decided at."""
        return str(self.journal_position)


class Outcome(Payload):
    """What happened after a signal's horizon; fractions of the reference price, costs taken off."""

    event_type: ClassVar[str] = "outcomes"

    signal_id: Text
    coin: Coin
    horizon_seconds: Annotated[int, Field(gt=0)]
    action: Action
    resolved_at: UtcDatetime
    resolved: bool
    reference_price: Number | None = None
    outcome_price: Number | None = None
    price_change: Number | None = None
    result_after_costs: Number | None = None
    right: bool | None = None

    @property
    def subject(self) -> str:
        """The signal."""
        return self.signal_id

    @property
    def identity(self) -> str:
        """One outcome a signal; a correction is a new version of the fact."""
        return str(self.resolved)


class Prediction(Payload):
    """A model's forecast and what it saw."""

    event_type: ClassVar[str] = "predictions"

    model: Text
    model_version: Text
    coin: Coin
    at: UtcDatetime
    horizon_seconds: Annotated[int, Field(gt=0)]
    features_hash: Text
    raw_probability: Probability
    calibrated_probability: Probability | None = None
    reasons: tuple[tuple[str, Finite], ...] = ()

    @property
    def subject(self) -> str:
        """``model:coin``."""
        return f"{self.model}:{self.coin}"

    @property
    def identity(self) -> str:
        """When, over which horizon, by which version."""
        return f"{self.at.isoformat()}|{self.horizon_seconds}|{self.model_version}"


class Regime(Payload):
    """The state a market (``scope`` "market") or one coin is in, from closed bars only."""

    event_type: ClassVar[str] = "regimes"

    scope: Text
    at: UtcDatetime
    interval: Text
    state: Text
    age_bars: Annotated[int, Field(ge=0)]
    model_version: Text
    probabilities: Mapping[str, Probability] = Field(default_factory=dict)
    candidate: Text | None = None

    @property
    def subject(self) -> str:
        """The scope."""
        return self.scope

    @property
    def identity(self) -> str:
        """Bar and model."""
        return f"{self.at.isoformat()}|{self.model_version}"


class WhaleAlert(Payload):
    """A move of a large trader that somebody would want to hear of."""

    event_type: ClassVar[str] = "whale_alerts"

    alert_id: Text
    rule: Text
    rule_version: Text
    severity: Literal["info", "notable", "major", "critical"]
    episode: Text
    address: Address
    coin: Coin
    at: UtcDatetime
    supersedes: Text | None = None
    notional: Number | None = None
    share_of_equity: Number | None = None
    price: Number | None = None
    before: Number | None = None
    after: Number | None = None
    tier: Text | None = None
    evidence: tuple[Text, ...] = ()

    @property
    def subject(self) -> str:
        """``address:coin``."""
        return f"{self.address}:{self.coin}"

    @property
    def identity(self) -> str:
        """The alert."""
        return self.alert_id
