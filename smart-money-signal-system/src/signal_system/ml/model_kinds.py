"""How each kind of model is read from its files. A new kind: one class, one line in `KINDS`.

Nothing here runs what it reads: a file is JSON held to a schema, or what a library parses without
executing it (XGBoost's UBJ, ONNX). There is no way to load a pickle.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import json
from pydantic import ValidationError

from shared_events.errors import DataError
from signal_system.ml.jump_regime import JumpParameters, JumpRegime

MODEL = "model.json"


class ModelRefusedError(DataError):
    """A version that must not be loaded, and why."""


class Kind(Protocol):
    """Reads one kind of model and asks it what it answers."""

    name: str
    files: frozenset[str]

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
    files = frozenset({MODEL})

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


KINDS: dict[str, Kind] = {kind.name: kind for kind in (JumpRegimeKind(),)}


def example(kind: Kind, model: Any, inputs: Sequence[Any]) -> bytes:
    """Return inputs with the answers to them, for `require_answers`."""
    said = kind.answers(model, inputs)
    return json.encode({"inputs": inputs, "answers": said}, order="sorted")


def require_answers(kind: Kind, model: Any, raw: bytes) -> None:
    """Return if `model` still gives the answers in the example, to the last bit.

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
    if said != answers:
        raise ModelRefusedError("it does not answer its own example as it did when it was made")
