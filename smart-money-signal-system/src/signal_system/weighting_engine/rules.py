"""Every constant that weighing knows, by the part that follows it; `WeightingConfig` holds them all."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

DAY: Final = 86_400


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PaperRules(_Rules):
    """How everybody's positions are copied on paper."""

    bar_seconds: int = Field(
        default=14_400, ge=60, le=DAY, description="How often paper results are read off."
    )
    delay_seconds: float = Field(
        default=60.0, ge=0, le=3_600, description="How long a copier takes to follow."
    )
    one_way_cost: float = Field(
        default=0.000_55, ge=0, lt=0.1, description="Taker fee and half the spread, as a fraction."
    )
    leverage_limit: float = Field(
        default=5.0, gt=0, le=100, description="Notional over equity that counts as full exposure."
    )
    dead_band: float = Field(
        default=0.002, ge=0, lt=1, description="Exposure below which a position is none."
    )
    habit_half_life_days: float = Field(
        default=30.0, gt=0, description="Over which somebody's usual exposure is averaged."
    )
    volatility_half_life_days: float = Field(
        default=10.0, gt=0, description="Over which volatilities and betas are estimated."
    )
    volatility_prior_daily: float = Field(
        default=0.03, gt=0, lt=1, description="Volatility of a coin nothing is known of."
    )
    fade_in_holdings: float = Field(
        default=1.0,
        gt=0,
        description="A conviction's half-life, in units of how long its holder usually holds.",
    )
    slowest_fade_days: float = Field(default=30.0, gt=0, description="The longest such half-life.")


class EvidenceRules(_Rules):
    """How long results are remembered."""

    half_life_days: float = Field(
        default=365.0, gt=0, description="Over which an old result comes to count half."
    )
    least_bars: float = Field(
        default=90.0, ge=3, description="Active bars below which nothing can be told of a trader."
    )
    least_episodes: int = Field(
        default=10, ge=0, description="Positions held and closed below which nothing can be told."
    )


class SkillRules(_Rules):
    """How hard skill is to believe; ratios are Sharpe ratios a year."""

    least_voters: int = Field(
        default=20, ge=2, description="Judged voters below which nothing is told of anybody."
    )
    share_prior: float = Field(
        default=0.05, gt=0, lt=1, description="Share of the skilled to begin with."
    )
    least_share: float = Field(default=0.002, gt=0, lt=1, description="Fewest there may be.")
    most_share: float = Field(default=0.3, gt=0, lt=1, description="Most there may be.")
    lead_prior: float = Field(
        default=1.5, gt=0, description="How far the skilled are above all others to begin with."
    )
    prior_voters: float = Field(
        default=200.0, gt=0, description="How many voters the prior share counts like."
    )
    least_probability: float = Field(
        default=0.2, ge=0, le=1, description="Without anybody as probably skilled: abstain."
    )
    proven_false: float = Field(
        default=0.1, gt=0, lt=1, description="False discoveries allowed among the proven."
    )
    promising_false: float = Field(
        default=0.4, gt=0, lt=1, description="False discoveries allowed among the promising."
    )
