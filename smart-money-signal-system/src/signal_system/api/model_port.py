"""What the HTTP side asks about models: the registry's word, and that of what serves."""

from collections.abc import Sequence
from typing import Protocol

from signal_system.api.model_schemas import (
    Answers,
    BestVersion,
    ModelCard,
    ModelDetail,
    ModelRow,
    Question,
)
from signal_system.ml.drift import DriftReport


class ModelDesk(Protocol):
    """Answers every question about models; one that cannot be answered raises `RefusedError`."""

    async def models(self) -> Sequence[ModelRow]:
        """Return every model there is."""
        ...

    async def model(self, name: str) -> ModelDetail:
        """Return one model with its versions."""
        ...

    async def card(self, name: str, version: str) -> ModelCard:
        """Return the card of a version, or of what an alias or ``latest`` names."""
        ...

    async def best(self, name: str, metric: str, *, lowest: bool) -> BestVersion:
        """Return the version with the best value of a metric."""
        ...

    async def drift(self, name: str) -> Sequence[DriftReport]:
        """Return what is found of the versions in service."""
        ...

    async def predict(self, name: str, question: Question) -> Answers:
        """Ask the version in service."""
        ...
