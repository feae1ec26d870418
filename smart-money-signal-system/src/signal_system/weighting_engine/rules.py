"""Every constant that weighing knows, by the part that follows it; `WeightingConfig` holds them all."""

from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    least_evidence: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="Probability that anybody at all is skilled below which all abstain.",
    )
    proven_false: float = Field(
        default=0.1, gt=0, lt=1, description="False discoveries allowed among the proven."
    )
    promising_false: float = Field(
        default=0.4, gt=0, lt=1, description="False discoveries allowed among the promising."
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if not self.least_share <= self.share_prior <= self.most_share:
            raise ValueError("share_prior must lie between least_share and most_share")
        if self.proven_false > self.promising_false:
            raise ValueError("proven_false must not be above promising_false")
        return self


class EntityRules(_Rules):
    """What makes a voter suspect."""

    maker_share: float = Field(
        default=0.7, ge=0, le=1, description="Resting part of the volume of a market maker."
    )
    maker_net: float = Field(
        default=0.2, ge=0, le=1, description="Net over gross exposure below which a book is even."
    )
    maker_turnover: float = Field(
        default=20.0, gt=0, description="Equity turned over in a day by a market maker."
    )
    hedge_side: float = Field(
        default=0.95, ge=0, le=1, description="One-sidedness of a short that hedges something else."
    )
    hedge_net: float = Field(
        default=0.1, ge=0, le=1, description="Net over gross exposure of a delta-neutral book."
    )
    wash_turnover: float = Field(
        default=20.0, gt=0, description="Equity traded in a day for next to no result."
    )
    wash_result: float = Field(
        default=0.0001, gt=0, description="Result over volume that is next to none."
    )
    dormant_days: float = Field(default=30.0, gt=0, description="Without any change.")
    wonder_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Concentration of results (Herfindahl) in few positions.",
    )
    wonder_episodes: int = Field(default=5, ge=2, description="From how many positions on.")
    superhuman_wins: float = Field(
        default=0.95, gt=0, le=1, description="Win rate that nobody has who takes losses."
    )
    superhuman_episodes: int = Field(default=30, ge=2, description="From how many positions on.")


class CrowdingRules(_Rules):
    """When voices are one voice."""

    echo_bars: int = Field(
        default=120, ge=10, le=1_000, description="Bars over which results are compared."
    )
    compared: int = Field(
        default=512, ge=8, le=4_096, description="How many of the heaviest are compared."
    )
    sharpness: int = Field(
        default=6,
        ge=1,
        le=20,
        description="Power of the correlation that counts as the same voice.",
    )
    same: float = Field(
        default=0.9, gt=0, lt=1, description="Correlation from which two are of one cluster."
    )
    follows: float = Field(
        default=0.5, gt=0, le=1, description="Share of moves made after the same other voter."
    )
    follow_seconds: float = Field(
        default=4_000.0, gt=0, description="How much later a follower may be."
    )
    audible: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Weight over the heaviest below which a voter is silent: else caps raise noise.",
    )
    entity_cap: float = Field(
        default=0.05, gt=0, le=1, description="Largest share of the weight of one entity."
    )
    cluster_cap: float = Field(
        default=0.15, gt=0, le=1, description="Largest share of the weight of one cluster."
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.entity_cap > self.cluster_cap:
            raise ValueError("entity_cap must not be above cluster_cap")
        return self


class HedgeRules(_Rules):
    """How trust moves between schemes, and how a scheme's own account is run."""

    abstain_prior: float = Field(
        default=0.5, gt=0, lt=1, description="Trust in abstaining before any result."
    )
    regime_days: float = Field(
        default=365.0, gt=0, description="How long the best scheme usually stays the best."
    )
    band: float = Field(
        default=0.1, ge=0, lt=1, description="Exposure by which a scheme's account may lag behind."
    )
