"""Answers what is asked about models over HTTP: from the registry, the fold, and the trees here."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from signal_system import regimes
from signal_system.api.errors import RefusedError
from signal_system.api.model_schemas import (
    Answer,
    Answers,
    BestVersion,
    GateRow,
    LiveRecord,
    ModelCard,
    ModelDetail,
    ModelRow,
    Question,
    VersionRow,
)
from signal_system.directions import Slot
from signal_system.drift_watch import DriftWatch
from signal_system.fold import Fold
from signal_system.ml.direction import CLASSES, Direction, matrix
from signal_system.ml.drift import DriftReport
from signal_system.ml.model_card import card
from signal_system.ml.model_kinds import ModelRefusedError
from signal_system.ml.model_registry import Aliases, ModelRegistry, UnknownModelError
from signal_system.predicting import Predictor, reasons

_LONGEST = 500


class LiveModelDesk:
    """The `ModelDesk` of a running service.

    Parameters
    ----------
    degraded
        Says why a champion does not serve, by the name of the model.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        fold: Fold,
        predictor: Predictor,
        watch: DriftWatch,
        degraded: Callable[[], Mapping[str, str]],
    ) -> None:
        self._registry, self._fold, self._predictor = registry, fold, predictor
        self._watch, self._degraded = watch, degraded

    async def models(self) -> Sequence[ModelRow]:
        """Return every model there is."""
        rows = await asyncio.to_thread(
            lambda: [self._registered(name) for name in self._registry.names()]
        )
        return [self._with_live(row) for row in rows]

    async def model(self, name: str) -> ModelDetail:
        """Return one model with its versions."""
        row, versions = await asyncio.to_thread(self._read, name)
        live = [
            LiveRecord(
                version=version.version,
                matured=record.matured,
                right=record.right / record.matured if record.matured else None,
                log_loss=record.mean_log_loss,
                base_rate_log_loss=record.base_rate_log_loss,
            )
            for version in versions
            if (record := self._fold.state.directions.record(version.version, name)) is not None
        ]
        told = self._with_live(row).model_dump()
        return ModelDetail(**told, all_versions=versions, live=live)

    async def card(self, name: str, version: str) -> ModelCard:
        """Return the card of a version, or of what an alias or ``latest`` names."""
        return await asyncio.to_thread(self._card, name, version)

    async def best(self, name: str, metric: str, *, lowest: bool) -> BestVersion:
        """Return the version with the best value of a metric."""
        return await asyncio.to_thread(self._best, name, metric, lowest=lowest)

    async def drift(self, name: str) -> Sequence[DriftReport]:
        """Return what is found of the versions in service."""
        await asyncio.to_thread(self._require, name)
        return await self._watch.reports(name)

    async def predict(self, name: str, question: Question) -> Answers:
        """Ask the version in service."""
        model = self._model(name, question)
        _require_fitting(model, question)
        answers = await asyncio.to_thread(_answers, model, question)
        return Answers(
            model=name,
            version=model.version,
            role=question.role,
            horizon_seconds=model.parameters.horizon_seconds,
            spec_hash=model.spec.hash,
            features=list(model.spec.names),
            answers=answers,
        )

    def _model(self, name: str, question: Question) -> Direction:
        serving = self._fold.state.directions.serving.get(Slot(name, question.role))
        held = serving and self._predictor.held.get((name, serving.version))
        if held:
            return held
        if name not in self._registry.names():
            raise _unknown(name)
        if name.startswith(regimes.NAMED):
            raise RefusedError(
                422,
                "not_askable",
                f"{name} follows bars one after the other: it says nothing to a single row.",
                "GET /api/v1/regime says what it makes of the market.",
            )
        reason = self._degraded().get(name, f"it has no {question.role}")
        raise RefusedError(
            503,
            "no_version_serves",
            f"No {question.role} of {name} serves: {reason}"[:_LONGEST],
            f"`signal-system models promote {name}` takes one into service within seconds.",
        )

    def _require(self, name: str) -> None:
        if name not in self._registry.names():
            raise _unknown(name)

    def _registered(self, name: str) -> ModelRow:
        return _row(name, *_aliases(self._registry, name), self._registry.versions(name))

    def _with_live(self, row: ModelRow) -> ModelRow:
        known = self._fold.state
        serving = known.regimes.versions | known.directions.versions
        return row.model_copy(
            update={
                "serving": serving.get(row.name),
                "shadow": known.directions.challengers.get(row.name),
                "degraded": self._degraded().get(row.name, row.degraded),
                "retrain": self._watch.proposals.get(row.name),
            }
        )

    def _read(self, name: str) -> tuple[ModelRow, list[VersionRow]]:
        self._require(name)
        versions = [_version(self._registry, name, each) for each in self._registry.versions(name)]
        return self._registered(name), versions[::-1]

    def _card(self, name: str, version: str) -> ModelCard:
        self._require(name)
        try:
            found = self._registry.resolved(name, version)
            said = card(self._registry.manifest(name, found))
        except (UnknownModelError, ModelRefusedError) as e:
            raise RefusedError(
                404,
                "unknown_version",
                f"{name} has no readable version {version!r}: {e}"[:_LONGEST],
                f"GET /api/v1/models/{name} lists its versions.",
            ) from e
        return ModelCard(name=name, version=found, card=said)

    def _best(self, name: str, metric: str, *, lowest: bool) -> BestVersion:
        self._require(name)
        version = self._registry.best(name, metric, lowest=lowest)
        value = None if version is None else self._registry.manifest(name, version).metrics[metric]
        if version is None or value is None:
            raise RefusedError(
                404,
                "unknown_metric",
                f"No version of {name} states {metric!r}.",
                f"GET /api/v1/models/{name} shows the metrics of its versions.",
            )
        return BestVersion(name=name, metric=metric, version=version, value=value)


def _require_fitting(model: Direction, question: Question) -> None:
    if question.spec_hash != model.spec.hash:
        raise RefusedError(
            409,
            "other_features",
            f"These rows follow the spec {question.spec_hash[:12]}, the model {model.spec.hash[:12]}.",
            f"Make them by the spec {model.spec.name!r} of {model.spec.interval} bars as this build"
            " has it: signal-system features list.",
        )
    wrong = [n for n, row in enumerate(question.rows) if len(row) != len(model.spec.names)]
    if wrong:
        raise RefusedError(
            422,
            "invalid_input",
            f"rows.{wrong[0]} has {len(question.rows[wrong[0]])} numbers.",
            f"Each row needs {len(model.spec.names)}, null where one is not known, in this order:"
            f" {', '.join(model.spec.names)}.",
        )


def _answers(model: Direction, question: Question) -> list[Answer]:
    rows = matrix(question.rows)
    raw, calibrated = model.probabilities(rows)
    told = []
    for row, before, after in zip(rows, raw.tolist(), calibrated.tolist(), strict=True):
        likeliest = CLASSES[int(np.argmax(after))]
        told.append(
            Answer(
                predicted=likeliest,
                raw=dict(zip(CLASSES, before, strict=True)),
                calibrated=dict(zip(CLASSES, after, strict=True)),
                reasons=list(reasons(model, row, likeliest)) if question.reasons else None,
            )
        )
    return told


def _aliases(registry: ModelRegistry, name: str) -> tuple[Aliases, str | None]:
    """Return which version is which, or what is wrong with the file that says so."""
    try:
        return registry.aliases(name), None
    except ModelRefusedError as e:
        return Aliases(), str(e)[:_LONGEST]


def _row(name: str, aliases: Aliases, damage: str | None, versions: Sequence[str]) -> ModelRow:
    return ModelRow(
        name=name,
        versions=len(versions),
        latest=versions[-1] if versions else None,
        **aliases.model_dump(),
        serving=None,
        shadow=None,
        degraded=damage,
        retrain=None,
    )


def _version(registry: ModelRegistry, name: str, version: str) -> VersionRow:
    try:
        manifest = registry.manifest(name, version)
    except (ModelRefusedError, UnknownModelError) as e:
        return VersionRow(version=version, refused=str(e)[:_LONGEST])
    return VersionRow(
        version=version,
        created_at=manifest.created_at,
        data_until=manifest.data_until,
        expires_at=manifest.expires_at,
        passed=manifest.passed,
        metrics=manifest.metrics,
        gates=[GateRow(**gate.model_dump()) for gate in manifest.gates],
    )


def _unknown(name: str) -> RefusedError:
    return RefusedError(
        404,
        "unknown_model",
        f"There is no model {name!r}.",
        "GET /api/v1/models lists them; train-regime and train-features make them.",
    )
