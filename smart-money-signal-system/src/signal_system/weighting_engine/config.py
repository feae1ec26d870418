"""Which scheme weighs and by which constants: validated, and part of the hash of every signal."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from signal_system.weighting_engine.rules import (
    CrowdingRules,
    EntityRules,
    EvidenceRules,
    HedgeRules,
    PaperRules,
    SkillRules,
)
from signal_system.weighting_engine.schemes import COMBINED, SCHEMES, ScoreOver100

_NAMES = (*SCHEMES, COMBINED)


class WeightingConfig(BaseModel):
    """The weighting part of the settings; it enters the hash that every signal states."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: str = Field(
        default=ScoreOver100.name, description=f"One of: {', '.join(sorted(_NAMES))}."
    )
    arm: str = Field(
        default="baseline",
        min_length=1,
        max_length=50,
        description="The name under which this configuration is compared with others.",
    )
    paper: PaperRules = Field(default_factory=PaperRules)
    evidence: EvidenceRules = Field(default_factory=EvidenceRules)
    skill: SkillRules = Field(default_factory=SkillRules)
    entities: EntityRules = Field(default_factory=EntityRules)
    crowding: CrowdingRules = Field(default_factory=CrowdingRules)
    hedge: HedgeRules = Field(default_factory=HedgeRules)

    @field_validator("scheme")
    @classmethod
    def _is_registered(cls, scheme: str) -> str:
        if scheme not in _NAMES:
            raise ValueError(f"no scheme {scheme!r}; there are: {', '.join(sorted(_NAMES))}")
        return scheme
