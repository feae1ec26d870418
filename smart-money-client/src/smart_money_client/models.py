"""What the service answers, as frozen values; unknown is None, and unknown fields are ignored."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

Action = Literal["BUY", "SELL", "NEUTRAL"]
Freshness = Literal["LIVE", "PARTIAL", "STALE"]
Horizon = Literal["1h", "4h", "24h"]


class Value(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SignalRow(Value):
    """One coin in the list; `failed_gate` names the first gate that made it NEUTRAL."""

    coin: str
    action: Action
    confidence: float
    calibrated: bool
    score: float
    probability_up: float
    horizon_seconds: int
    status: Freshness
    voters: int
    independent_voters: float
    as_of: AwareDatetime
    coverage: float | None = None
    data_age_seconds: float | None = None
    reference_price: Decimal | None = None
    net_exposure: Decimal | None = None
    regime: str | None = None
    failed_gate: str | None = None


class Gate(Value):
    """One condition of an opinion."""

    name: str
    value: float | None
    threshold: float
    passed: bool
    reason: str = ""


class Contribution(Value):
    """One account's part in a signal; `exposure` is in USD, `effect` in log-odds."""

    address: str
    weight: float
    exposure: Decimal | None
    effect: float
    dimensions: Mapping[str, float] = {}


class RegimeView(Value):
    """The regime a signal was decided in."""

    state: str
    probability: float | None
    scope: str


class Odds(Value):
    """What may become of a price over a horizon after costs; the three share out one."""

    up: float
    down: float
    flat: float


class Models(Value):
    """Versions of the models that took part."""

    regime: str | None = None
    calibration: str | None = None
    classifier: str | None = None


class Signal(Value):
    """An opinion on one coin over one horizon, with all that is needed to check it.

    ``confidence`` is the probability that the action is right after costs at the horizon (NEUTRAL:
    that neither side pays); while ``calibrated`` is False it is the base rate alone. A signal that
    fails any of its `gates` is NEUTRAL.
    """

    coin: str
    horizon_seconds: int
    action: Action
    score: float
    probability_up: float
    confidence: float
    calibrated: bool
    status: Freshness
    as_of: AwareDatetime
    valid_until: AwareDatetime
    freshness_limit_seconds: float
    voters: int
    independent_voters: float
    independence_method: str
    scheme: str
    arm: str
    config_hash: str
    journal_position: int
    prev_hash: str
    hash: str
    expected_value_after_costs: float | None = None
    reference_price: Decimal | None = None
    reference_price_at: AwareDatetime | None = None
    data_age_seconds: float | None = None
    coverage: float | None = None
    net_exposure: Decimal | None = None
    net_exposure_change: Decimal | None = None
    long_exposure: Decimal | None = None
    short_exposure: Decimal | None = None
    cost_to_flip_usd: Decimal | None = None
    regime: RegimeView | None = None
    contributions_for: tuple[Contribution, ...] = ()
    contributions_against: tuple[Contribution, ...] = ()
    gates: tuple[Gate, ...] = ()
    models: Models = Models()
    probabilities: Odds | None = None
    base_rates: Odds | None = None
    forecast_number: int | None = None
    forecast_prev_hash: str | None = None
    why: str = ""

    @property
    def horizon(self) -> timedelta:
        """How far ahead the opinion looks."""
        return timedelta(seconds=self.horizon_seconds)

    @property
    def failed_gates(self) -> tuple[Gate, ...]:
        """What made it NEUTRAL; empty if every gate passed."""
        return tuple(gate for gate in self.gates if not gate.passed)

    def tradable(self, now: datetime) -> bool:
        """Tell whether the opinion has a side, rests on live data and has not run out at `now`."""
        return self.action != "NEUTRAL" and self.status == "LIVE" and now < self.valid_until


class Regime(Value):
    """The state of the market (``scope`` "market") or of one coin, from closed bars."""

    scope: str
    at: AwareDatetime
    interval: str
    state: str
    age_bars: int
    model_version: str
    probabilities: Mapping[str, float] = {}
    candidate: str | None = None
    revision: int = 0
    previous: str | None = None
    degraded: str | None = None


class Regimes(Value):
    """The market's regime, None before its first bar, and those of coins with their own model."""

    market: Regime | None
    coins: tuple[Regime, ...]


class Progress(Value):
    """How far the service's start has come."""

    phase: str
    message: str
    tracked: int
    known: int
    coverage: float | None
    signals: int


class Status(Value):
    """The service's own account of itself."""

    version: str
    now: AwareDatetime
    started_at: AwareDatetime
    event_time: AwareDatetime | None
    journal_position: int
    events_applied: int
    duplicates_ignored: int
    dead_letters: int
    lag: Mapping[str, int]
    newest: Mapping[str, AwareDatetime]
    sources: Mapping[str, str]
    progress: Progress
    config_hash: str
    state_hash: str
    chain_hash: str
    models: Mapping[str, str] = {}
    challengers: Mapping[str, str] = {}
    degraded: Mapping[str, str] = {}
    retrain: Mapping[str, str] = {}

    @property
    def live(self) -> bool:
        """Whether the start is over."""
        return self.progress.phase == "live"
