"""Which scheme weighs, under which name its results are compared."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from signal_system.weighting_engine.schemes import SCHEMES, ScoreOver100


class WeightingConfig(BaseModel):
    """The weighting part of the settings; it enters the hash that every signal states."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: str = Field(
        default=ScoreOver100.name, description=f"One of: {', '.join(sorted(SCHEMES))}."
    )
    arm: str = Field(
        default="baseline",
        min_length=1,
        max_length=50,
        description="The name under which this configuration is compared with others.",
    )

    @field_validator("scheme")
    @classmethod
    def _is_registered(cls, scheme: str) -> str:
        if scheme not in SCHEMES:
            raise ValueError(f"no scheme {scheme!r}; there are: {', '.join(sorted(SCHEMES))}")
        return scheme
