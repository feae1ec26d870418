"""From when on a move is worth an alert: the part of the settings that alerts follow."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_DAY = 86_400.0


class AlertRules(BaseModel):
    """Thresholds of the rules; every alert says how many times its own was reached."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    notional: Decimal = Field(
        default=Decimal(1_000_000), gt=0, description="USD that make any move large."
    )
    share_of_equity: Decimal = Field(
        default=Decimal("0.25"),
        gt=0,
        description="Part of the account's value that makes a move large for it ...",
    )
    share_of_open_interest: Decimal = Field(
        default=Decimal("0.005"),
        gt=0,
        le=1,
        description="... if it is also this part of the coin's open interest.",
    )
    episode_gap_seconds: float = Field(
        default=120.0,
        gt=0,
        le=_DAY,
        description="A move goes on while its trades are no further apart.",
    )
    severity_steps: tuple[float, float, float] = Field(
        default=(3.0, 10.0, 30.0),
        description="How often a threshold is reached for MEDIUM, HIGH and CRITICAL.",
    )
    cool_down_seconds: float = Field(
        default=900.0,
        ge=0,
        le=_DAY,
        description="How long a rule is silent on a trader and coin after an alert, unless it is graver.",
    )
    liquidated_notional: Decimal = Field(
        default=Decimal(250_000), gt=0, description="USD liquidated."
    )
    liquidation_distance: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Part of the price between a large position and its end.",
    )
    first_notional: Decimal = Field(
        default=Decimal(250_000), gt=0, description="USD of a first position in a coin."
    )
    unusual_notional: Decimal = Field(
        default=Decimal(100_000), gt=0, description="USD below which nothing is unusual."
    )
    unusual_deviations: float = Field(
        default=3.0,
        gt=0,
        description="Standard deviations above the trader's own moves, in logarithms.",
    )
    known_moves: int = Field(
        default=10, ge=2, description="Moves of a trader from which on its habits are known."
    )
    agreeing: int = Field(
        default=3, ge=2, le=100, description="Independent whales on one side that make an alert."
    )
    agreement_seconds: float = Field(
        default=1_800.0, gt=0, le=_DAY, description="Within how long they have to move."
    )

    @field_validator("severity_steps")
    @classmethod
    def _grow(cls, steps: tuple[float, float, float]) -> tuple[float, float, float]:
        if not 1 < steps[0] < steps[1] < steps[2]:
            raise ValueError("each step must be above 1 and above the one before")
        return steps
