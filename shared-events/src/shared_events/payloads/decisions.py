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
    Side,
    Text,
    UtcDatetime,
)

Severity = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]


class ContributionSchema(Part):
    """One entity's part in a signal.

    ``weight`` is what its opinion counts, ``dimensions`` how that weight came about, ``exposure``
    the USD it holds (signed), ``effect`` the score (log-odds) that would be missing without it.
    """

    address: Address
    """The head of the entity."""
    weight: Finite
    """What its opinion counts."""
    exposure: Number | None
    """USD it holds, signed."""
    effect: Finite
    """Score that would be missing without it."""
    dimensions: Mapping[str, Finite] = Field(default_factory=dict)
    """How the weight came about."""


class GateSchema(Part):
    """One condition of an opinion: a signal that fails any is NEUTRAL."""

    name: Text
    """The condition."""
    value: Finite | None
    """What was found."""
    threshold: Finite
    """What it takes."""
    passed: bool
    """Whether it holds."""
    reason: Text = ""
    """For people."""


class RegimeViewSchema(Part):
    """The regime a signal was decided in."""

    state: Text
    """Its name."""
    probability: Probability | None
    """Of that state."""
    scope: Text
    """The whole market, or a coin."""


class OddsSchema(Part):
    """What may become of a price over a horizon; the three share out one."""

    up: Probability
    """It rises by more than a round trip costs."""
    down: Probability
    """It falls by more."""
    flat: Probability
    """Neither."""


class ModelsSchema(Part):
    """Versions of the models that took part; None where none did."""

    regime: Text | None = None
    """Version of the regime model."""
    calibration: Text | None = None
    """Version of the calibration."""
    classifier: Text | None = None
    """Version of the classifier."""


class SignalSchema(Payload):
    """An opinion on one coin over one horizon, with all that is needed to check it.

    ``score`` is the log-odds before the gates. ``confidence`` is the probability that the action is
    right after costs at the horizon (NEUTRAL: that neither side pays); while `calibrated` is false
    it is the base rate alone. ``hash`` covers every other field and ``prev_hash``: a chain.
    """

    event_type: ClassVar[str] = "signals"

    coin: Coin
    """The market by its full wire name."""
    horizon_seconds: Annotated[int, Field(gt=0)]
    """How far ahead it looks."""
    action: Action
    """The opinion."""
    score: Finite
    """Log-odds before the gates."""
    probability_up: Probability
    """That the price rises over the horizon."""
    confidence: Probability
    """Probability that the action is right after costs at the horizon."""
    calibrated: bool
    """Whether past outcomes were enough to calibrate on."""
    status: Freshness
    """How fresh the data behind it is."""
    as_of: UtcDatetime
    """Event time of the decision."""
    valid_until: UtcDatetime
    """When the horizon ends."""
    freshness_limit_seconds: Annotated[float, Field(gt=0)]
    """Age from which data counts as stale."""
    voters: Annotated[int, Field(ge=0)]
    """Entities with a stake."""
    independent_voters: Annotated[float, Field(ge=0)]
    """How many independent opinions they amount to."""
    independence_method: Text
    """How that was counted."""
    scheme: Text
    """How traders were weighed."""
    arm: Text
    """The configuration, when several are compared."""
    config_hash: Text
    """Of every setting that can change a decision."""
    journal_position: Annotated[int, Field(ge=0)]
    """The record it was decided at."""
    prev_hash: Text
    """The `hash` of the signal before it."""
    hash: Text
    """Over every other field."""
    expected_value_after_costs: Finite | None = None
    """As a fraction of the price."""
    reference_price: Number | None = None
    """What it will be scored from."""
    reference_price_at: UtcDatetime | None = None
    """When that price was."""
    data_age_seconds: Annotated[float, Field(ge=0)] | None = None
    """Age of the newest data behind it."""
    coverage: Probability | None = None
    """Part of the tracked weight whose position is fresh."""
    net_exposure: Number | None = None
    """Weighted long less short, USD."""
    net_exposure_change: Number | None = None
    """Of that, since the signal before."""
    long_exposure: Number | None = None
    """Weighted, USD."""
    short_exposure: Number | None = None
    """Weighted, USD, positive."""
    cost_to_flip_usd: Number | None = None
    """USD held on the other side that would end the opinion."""
    regime: RegimeViewSchema | None = None
    """What it was decided in."""
    contributions_for: tuple[ContributionSchema, ...] = ()
    """Largest stakes on its side."""
    contributions_against: tuple[ContributionSchema, ...] = ()
    """Largest stakes on the other."""
    gates: tuple[GateSchema, ...] = ()
    """Every condition, passed or not."""
    models: ModelsSchema = ModelsSchema()
    """Which took part."""
    probabilities: OddsSchema | None = None
    """Of the three outcomes after costs; the base rates while `calibrated` is false."""
    base_rates: OddsSchema | None = None
    """How often each came about over the windows of this coin and horizon so far."""
    forecast_number: Annotated[int, Field(ge=0)] | None = None
    """Its place in the track record, from 0; None of a signal that is not scored."""
    forecast_prev_hash: Text | None = None
    """The `hash` of the forecast before it."""
    why: Text = ""
    """In one sentence: what it rests on and what would end it, or why there is no opinion."""

    @property
    def subject(self) -> str:
        """Coin and horizon: ``BTC:4h``."""
        return f"{self.coin}:{self.horizon_seconds // 3600}h"

    @property
    def identity(self) -> str:
        """The journal position it was decided at, and its hash: another journal leads to another."""
        return f"{self.journal_position}|{self.hash}"


class Outcome(Payload):
    """What happened after a signal's horizon; fractions of the reference price, costs taken off."""

    event_type: ClassVar[str] = "outcomes"

    signal_id: Text
    """The event that carried the signal, or the prediction."""
    coin: Coin
    """The market by its full wire name."""
    horizon_seconds: Annotated[int, Field(gt=0)]
    """Of the signal."""
    action: Action
    """Of the signal."""
    resolved_at: UtcDatetime
    """When the horizon ended."""
    resolved: bool
    """Whether a price was there to score with."""
    reference_price: Number | None = None
    """What it was scored from."""
    outcome_price: Number | None = None
    """The price at the end."""
    price_change: Number | None = None
    """Fraction of the reference price."""
    result_after_costs: Number | None = None
    """Fraction of the reference price earned by following it."""
    right: bool | None = None
    """Whether the action was."""
    realised: Text | None = None
    """The class that came true: ``buy``, ``sell`` or ``hold``."""

    @property
    def subject(self) -> str:
        """The signal."""
        return self.signal_id

    @property
    def identity(self) -> str:
        """One outcome a signal; a correction is a new version of the fact."""
        return str(self.resolved)


class Prediction(Payload):
    """A model's forecast and what it saw.

    The service journals its own: what signals follow from is there, and a replay needs no model.
    """

    event_type: ClassVar[str] = "predictions"

    model: Text
    """Its name."""
    model_version: Text
    """Which numbers it had."""
    coin: Coin
    """The market by its full wire name."""
    at: UtcDatetime
    """Event time of the forecast."""
    horizon_seconds: Annotated[int, Field(gt=0)]
    """How far ahead."""
    features_hash: Text
    """Of what it saw."""
    raw_probability: Probability
    """As the model said it."""
    calibrated_probability: Probability | None = None
    """As past outcomes correct it."""
    reasons: tuple[tuple[str, Finite], ...] = ()
    """Features and their parts in it, largest first."""
    predicted: Text | None = None
    """The likeliest class, which the two probabilities and the reasons speak of."""
    raw_probabilities: Mapping[str, Probability] = Field(default_factory=dict)
    """Of every class, as the model said them."""
    calibrated_probabilities: Mapping[str, Probability] = Field(default_factory=dict)
    """Of every class, corrected."""
    explains: Text | None = None
    """What the reasons are parts of: ``raw_margin`` is the model's answer before calibration."""
    spec_hash: Text | None = None
    """Of the definition of what it saw."""
    bar_closed_at: UtcDatetime | None = None
    """When the newest bar that it saw closed; it speaks of the time from then on."""
    role: Literal["champion", "challenger"] = "champion"
    """A challenger predicts in the shadow."""
    decides: bool = False
    """Whether signals may follow it: a champion whose gates are open."""
    reference_price: Number | None = None
    """The close of that bar."""
    above: Number | None = None
    """The price that makes ``buy`` right if it is reached first."""
    below: Number | None = None
    """The price that makes ``sell`` right if it is reached first."""

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
    """The whole market, or a coin."""
    at: UtcDatetime
    """Close of the bar."""
    interval: Text
    """Length of a bar."""
    state: Text
    """Its name."""
    age_bars: Annotated[int, Field(ge=0)]
    """How long it has lasted."""
    model_version: Text
    """Which numbers decided."""
    probabilities: Mapping[str, Probability] = Field(default_factory=dict)
    """Of every state."""
    candidate: Text | None = None
    """The state that shows but has not lasted long enough."""
    revision: Annotated[int, Field(ge=0)] = 0
    """How often corrections had turned the bar's state before."""
    previous: Text | None = None
    """The state that it turned from, if this tells a turn and not that it lasts."""
    degraded: Text | None = None
    """Why the baseline rule speaks and not the model that was promoted."""

    @property
    def subject(self) -> str:
        """The scope."""
        return self.scope

    @property
    def identity(self) -> str:
        """Bar, model, state and revision: a corrected bar may end in another state."""
        return f"{self.at.isoformat()}|{self.model_version}|{self.state}|{self.revision}"


class ModelChange(Payload):
    """From here on another version of a model decides, or none: a fact of the service's journal.

    It carries the model itself, so that a journal replayed elsewhere decides the same.
    """

    event_type: ClassVar[str] = "models"

    name: Text
    """Of the model: what it does, and for which coin."""
    at: UtcDatetime
    """When it was taken into service."""
    version: Text | None = None
    """In the registry; unknown if no version decides any more."""
    kind: Text | None = None
    """How the content is read."""
    expires_at: UtcDatetime | None = None
    """From then on it is not believed any more."""
    content: Annotated[str, Field(max_length=65_536)] | None = None
    """The model in canonical JSON; of trees, what there is beside them."""
    role: Literal["champion", "challenger"] = "champion"
    """A challenger serves in the shadow: what it says is kept, and nothing follows from it."""
    passed: bool | None = None
    """Whether its gates are open; unknown of what was journalled before they were told."""
    reason: Text | None = None
    """Why no version serves, if one should."""

    @property
    def subject(self) -> str:
        """The name."""
        return self.name

    @property
    def identity(self) -> str:
        """When, and which version in which role: the same one may come again."""
        known = f"{self.at.isoformat()}|{self.version}"
        return known if self.role == "champion" else f"{known}|{self.role}"


class WhaleAlert(Payload):
    """A move of a large trader, of several, or of how well we see them, that somebody would want to know.

    What goes on is told again, as a new alert that names the one it ``supersedes``: when its severity
    rises, or it turns into something else. ``at`` is event time.
    """

    event_type: ClassVar[str] = "whale_alerts"
    event_version: ClassVar[int] = 2

    alert_id: Text
    """Names it."""
    rule: Text
    """What fired."""
    rule_version: Text
    """Of the rule."""
    severity: Severity
    """How much it matters, by how often the threshold was reached."""
    episode: Text
    """What move it is part of."""
    address: Address | None = None
    """The trader's account; None if it is about several, or nobody."""
    coin: Coin | None = None
    """The market by its full wire name; None if it is about all."""
    at: UtcDatetime
    """When it happened."""
    message: Text = ""
    """The same in a sentence."""
    supersedes: Text | None = None
    """The alert it replaces."""
    side: Side | None = None
    """The direction of the move."""
    magnitude: Finite | None = None
    """How many times the rule's threshold was reached; at least 1."""
    notional: Number | None = None
    """USD moved."""
    share_of_equity: Number | None = None
    """Of the account's value."""
    share_of_open_interest: Number | None = None
    """Of the coin's open interest."""
    price: Number | None = None
    """Average."""
    before: Number | None = None
    """Signed size before."""
    after: Number | None = None
    """Signed size after."""
    tier: Text | None = None
    """How large the trader is."""
    evidence: tuple[Text, ...] = ()
    """Ids of the events it follows from."""

    @property
    def subject(self) -> str:
        """``address:coin``, a dash for what it is not about."""
        return f"{self.address or '-'}:{self.coin or '-'}"

    @property
    def identity(self) -> str:
        """The alert."""
        return self.alert_id
