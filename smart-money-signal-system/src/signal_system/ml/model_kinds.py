"""How each kind of model is read from its files. A new kind: one class, one line in `KINDS`.

Nothing here runs what it reads: a file is JSON held to a schema, or what a library parses without
executing it (XGBoost's UBJ, ONNX). There is no way to load a pickle.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from msgspec import json
from pydantic import ValidationError

from shared_events.errors import DataError
from signal_system.ml.direction import CLASSES, Direction, DirectionParameters, matrix
from signal_system.ml.importances import Importances
from signal_system.ml.jump_regime import JumpParameters, JumpRegime

MODEL, TREES, GRAPH, IMPORTANCES = "model.json", "model.ubj", "model.onnx", "importances.json"


class ModelRefusedError(DataError):
    """A version that must not be loaded, and why."""


class Kind(Protocol):
    """Reads one kind of model and asks it what it answers.

    Attributes
    ----------
    files, derived
        What it is made of, and what was made of that to answer faster: may be absent.
    tolerance
        How far an answer may be, on another processor, from what it was when it was made.
    """

    name: str
    files: frozenset[str]
    derived: frozenset[str]
    tolerance: float

    def load(self, version: str, files: Mapping[str, bytes]) -> Any:
        """Return the model in `files`.

        Raises
        ------
        ModelRefusedError
            If it is not one, or not one that this build can serve.
        """
        ...

    def answers(self, model: Any, inputs: Sequence[Any]) -> Sequence[Any]:
        """Return what `model` says to `inputs`, as plain values."""
        ...


class JumpRegimeKind:
    """Regimes by the statistical jump model: one JSON file."""

    name = "regime-jump"
    files, derived = frozenset({MODEL}), frozenset[str]()
    tolerance = 0.0

    def load(self, version: str, files: Mapping[str, bytes]) -> JumpRegime:
        """Return the model."""
        try:
            return JumpRegime(version, JumpParameters.model_validate_json(files[MODEL]))
        except ValidationError as e:
            reason = e.errors(include_url=False)[0]["msg"]
            raise ModelRefusedError(f"{MODEL} is no {self.name}: {reason}") from e

    def answers(self, model: JumpRegime, inputs: Sequence[Any]) -> Sequence[Any]:
        """Return state and probabilities after each row, the rows being bars in their order."""
        memory: tuple[float, ...] = ()
        said = []
        for row in inputs:
            memory, sight = model.judge(memory, row)
            said.append([sight.state, dict(sight.probabilities)])
        return said


class DirectionKind:
    """Boosted trees and their calibration; XGBoost and ONNX are loaded with the first of them."""

    name = "direction-trees"
    files, derived = frozenset({MODEL, TREES, IMPORTANCES}), frozenset({GRAPH})
    tolerance = 1e-6

    def load(self, version: str, files: Mapping[str, bytes]) -> Direction:
        """Return the model."""
        trees = import_module("signal_system.ml.trees")
        try:
            parameters = DirectionParameters.model_validate_json(files[MODEL])
            truth = trees.Booster(files[TREES], len(parameters.seen), len(CLASSES))
            graph = trees.Graph(files[GRAPH]) if GRAPH in files else None
            importances = Importances.model_validate_json(files[IMPORTANCES])
        except ValidationError as e:
            reason = e.errors(include_url=False)[0]["msg"]
            raise ModelRefusedError(f"{e.title} is not that of a {self.name}: {reason}") from e
        except ValueError as e:
            raise ModelRefusedError(f"it is no {self.name}: {e}") from e
        return Direction(version, parameters, importances, truth, graph)

    def answers(self, model: Direction, inputs: Sequence[Any]) -> Sequence[Any]:
        """Return raw and calibrated probabilities of each row, once the graph gives the trees' own."""
        rows = matrix(inputs)
        try:
            model.require_parity(rows)
        except ValueError as e:
            raise ModelRefusedError(str(e)) from e
        said = model.probabilities(rows)
        return [said.raw.tolist(), said.calibrated.tolist()]


KINDS: dict[str, Kind] = {kind.name: kind for kind in (JumpRegimeKind(), DirectionKind())}


def example(kind: Kind, model: Any, inputs: Sequence[Any]) -> bytes:
    """Return inputs with the answers to them, for `require_answers`."""
    said = kind.answers(model, inputs)
    return json.encode({"inputs": inputs, "answers": said}, order="sorted")


def require_answers(kind: Kind, model: Any, raw: bytes) -> None:
    """Return if `model` still gives the answers in the example, but for the kind's tolerance.

    Raises
    ------
    ModelRefusedError
        If it does not, or the example is none.
    """
    try:
        stored = json.decode(raw)
        inputs, answers = stored["inputs"], stored["answers"]
        said = json.decode(json.encode(kind.answers(model, inputs)))
    except (ValueError, KeyError, TypeError) as e:
        raise ModelRefusedError(f"the example cannot be replayed: {e}") from e
    if not _alike(said, answers, kind.tolerance):
        raise ModelRefusedError("it does not answer its own example as it did when it was made")


def _alike(said: Any, stored: Any, tolerance: float) -> bool:
    """Tell whether two decoded JSON values are the same but for so much in each fraction."""
    if isinstance(said, float) and isinstance(stored, float):
        return abs(said - stored) <= tolerance
    if isinstance(said, list) and isinstance(stored, list):
        pairs = zip(said, stored, strict=False)
        return len(said) == len(stored) and all(_alike(a, b, tolerance) for a, b in pairs)
    if isinstance(said, dict) and isinstance(stored, dict):
        return said.keys() == stored.keys() and all(
            _alike(said[key], stored[key], tolerance) for key in said
        )
    return bool(said == stored)
