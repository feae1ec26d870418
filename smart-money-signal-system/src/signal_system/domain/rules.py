"""What an opinion must satisfy before it is one: the part of the settings that decisions follow."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

LONGEST_SECONDS: Final = 30 * 86_400.0


class Rules(BaseModel):
    """Thresholds of the gates, links and clocks; it enters the hash that every signal states."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    conviction: float = Field(
        default=0.2, gt=0, lt=1, description="Tilt from which a neutral coin gets an opinion."
    )
    conviction_kept: float = Field(
        default=0.15, gt=0, lt=1, description="Tilt down to which an opinion is kept."
    )
    log_odds_per_tilt: float = Field(
        default=0.5, gt=0, le=5, description="Score of a coin on which everybody is long; a prior."
    )
    min_voters: int = Field(default=3, ge=1, description="Entities with a stake.")
    min_independent_voters: float = Field(default=2.0, ge=1, description="Kish's effective number.")
    min_coverage: float = Field(default=0.5, ge=0, le=1, description="Fresh share of the weight.")
    full_coverage: float = Field(
        default=0.9, ge=0, le=1, description="Below this share a signal is PARTIAL, not LIVE."
    )
    freshness_seconds: float = Field(
        default=1_800.0,
        gt=0,
        le=LONGEST_SECONDS,
        description="How old a book may be; twice the republishing interval.",
    )
    price_seconds: float = Field(
        default=60.0, gt=0, le=LONGEST_SECONDS, description="How old a live reference price may be."
    )
    heartbeat_seconds: float = Field(
        default=30.0, gt=0, le=LONGEST_SECONDS, description="How long a live source may be silent."
    )
    grid_seconds: int = Field(
        default=60, ge=1, le=60, description="How often a coin's document is issued unchanged."
    )
    round_trip_cost: float = Field(
        default=0.001, ge=0, lt=0.1, description="Fraction of the price that a round trip costs."
    )
    taker_fee: float = Field(
        default=0.00045, ge=0, lt=0.05, description="Fraction of the price that a trade costs."
    )
    max_disagreement: float = Field(
        default=0.8, gt=0, le=1, description="Share of the independent voices on the other side."
    )
    max_regime_entropy: float = Field(
        default=0.95, gt=0, le=1, description="1 if every state of the regime is as probable."
    )
    slack: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="By how much the last three are eased for an opinion that is held.",
    )
    min_independent_outcomes: float = Field(
        default=100.0,
        ge=1,
        description="From how many on a horizon's probabilities are calibrated.",
    )
    outcome_correlation: float = Field(
        default=0.5, ge=0, le=1, description="Assumed between coins' outcomes of one window."
    )
    late_seconds: float = Field(
        default=3_600.0,
        gt=0,
        le=LONGEST_SECONDS,
        description="How long after a horizon's end its price may still come.",
    )
    market_coin: str = Field(default="BTC", description="The coin whose regime is the market's.")

    @model_validator(mode="after")
    def _keeps_what_it_took(self) -> "Rules":
        if self.conviction_kept > self.conviction:
            raise ValueError("conviction_kept must not be above conviction")
        return self
