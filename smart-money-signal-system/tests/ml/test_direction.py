import io
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import joblib  # type: ignore[import-untyped]
import numpy as np
import onnx
import pytest
import xgboost
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.testing import assert_allclose
from onnx import helper

from signal_system.ml.direction import CLASSES, PARITY, Direction, calibrated, matrix
from signal_system.ml.manifest import canonical
from signal_system.ml.model_kinds import (
    GRAPH,
    IMPORTANCES,
    KINDS,
    MODEL,
    TREES,
    ModelRefusedError,
    example,
)
from signal_system.ml.model_registry import Loaded, ModelRegistry
from signal_system.ml.onnx_graph import require_plain
from signal_system.testing.directions import (
    a_direction_candidate,
    direction_files,
    direction_parameters,
    made_up_rows,
)
from signal_system.testing.forgery import forged

Damage = Callable[[bytes], bytes]

NAME = "direction-4h-BTC"
KIND = KINDS["direction-trees"]
FILES = (MODEL, TREES, GRAPH, IMPORTANCES, "example.json", "manifest.json")


def the_model(*, graph: bool = True) -> Direction:
    model = KIND.load("v1", direction_files(graph=graph))
    assert isinstance(model, Direction)
    return model


def load(tmp_path: Path, *, graph: bool = True) -> Loaded:
    registry = ModelRegistry(tmp_path / "models")
    return registry.load(NAME, registry.add(a_direction_candidate(graph=graph)))


def test_what_is_registered_answers_as_what_was_trained(tmp_path: Path) -> None:
    loaded, rows = load(tmp_path), made_up_rows(200, seed=3)
    trees = xgboost.Booster()
    trees.load_model(bytearray(direction_files()[TREES]))

    said = loaded.model.probabilities(rows)

    assert loaded.files.keys() == {MODEL, TREES, GRAPH, IMPORTANCES}
    assert_allclose(said.raw, trees.predict(xgboost.DMatrix(rows)), atol=PARITY)
    assert_allclose(said.calibrated, calibrated(said.raw, 0.8), atol=0)


def test_what_was_learned_shows(tmp_path: Path) -> None:
    rows = np.zeros((3, 28), np.float32)
    rows[:, 0] = 1.0, -1.0, 0.0

    said = load(tmp_path).model.probabilities(rows).calibrated

    assert [CLASSES[place] for place in said.argmax(axis=1)] == ["buy", "sell", "hold"]


def test_without_the_graph_the_trees_answer_and_say_the_same(tmp_path: Path) -> None:
    loaded, rows = load(tmp_path, graph=False), made_up_rows(200, seed=3)

    said = loaded.model.probabilities(rows)

    assert loaded.files.keys() == {MODEL, TREES, IMPORTANCES}
    assert_allclose(said.raw, the_model().probabilities(rows).raw, atol=PARITY)


def test_many_rows_at_once_are_answered_as_one_by_one() -> None:
    model, rows = the_model(), made_up_rows(50, seed=4)

    alone = np.concatenate([model.probabilities(row[None]).calibrated for row in rows])

    np.testing.assert_array_equal(alone, model.probabilities(rows).calibrated)


def test_reasons_add_up_to_the_margin_of_the_raw_probability() -> None:
    model, rows = the_model(), made_up_rows(50, seed=5)

    margins = model.contributions(rows).sum(axis=2)

    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    assert_allclose(
        powers / powers.sum(axis=1, keepdims=True), model.truth.probabilities(rows), atol=1e-5
    )
    assert model.contributions(rows).shape == (50, 3, 29)


@given(
    st.lists(st.tuples(*[st.floats(1e-6, 1.0)] * 3), min_size=1, max_size=5),
    st.floats(0.05, 5.0),
)
def test_calibration_keeps_the_order_and_adds_up_to_one(
    weights: list[tuple[float, float, float]], beta: float
) -> None:
    raw = np.array(weights) / np.sum(weights, axis=1, keepdims=True)

    said = calibrated(raw, beta)

    assert_allclose(said.sum(axis=1), 1.0)
    assert (said >= 0).all()
    ascending = np.take_along_axis(said, raw.argsort(axis=1), axis=1)
    assert (np.diff(ascending, axis=1) >= -1e-12).all()


def test_calibration_by_one_changes_nothing() -> None:
    raw = the_model().probabilities(made_up_rows(20)).raw

    assert_allclose(calibrated(raw, 1.0), raw, atol=1e-6)


def as_pickle(_: bytes) -> bytes:
    return pickle.dumps({"a": 1})


def as_old_pickle(_: bytes) -> bytes:
    return pickle.dumps({"a": 1}, protocol=0)


def as_joblib(_: bytes) -> bytes:
    buffer = io.BytesIO()
    joblib.dump({"a": 1}, buffer)
    return buffer.getvalue()


def with_a_pickle_behind(raw: bytes) -> bytes:
    return raw + pickle.dumps({"a": 1})


def truncated(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def emptied(_: bytes) -> bytes:
    return b""


def rewrite(path: Path, raw: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(raw)


DAMAGES = [as_pickle, as_old_pickle, as_joblib, with_a_pickle_behind, truncated, emptied]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_version_never_loads(tmp_path: Path, file: str, damage: Damage) -> None:
    registry = ModelRegistry(tmp_path)
    version = registry.add(a_direction_candidate())
    path = tmp_path / NAME / version / file
    rewrite(path, damage(path.read_bytes()))

    with pytest.raises(ModelRefusedError):
        registry.load(NAME, version)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_single_changed_bit_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    registry = ModelRegistry(tmp_path_factory.mktemp("models"))
    version = registry.add(a_direction_candidate())
    path = registry.root / NAME / version / data.draw(st.sampled_from(FILES))
    raw = bytearray(path.read_bytes())
    place, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7))
    raw[place] ^= 1 << bit
    rewrite(path, bytes(raw))

    with pytest.raises(ModelRefusedError):
        registry.load(NAME, version)


@pytest.mark.parametrize("damage", [as_pickle, as_old_pickle, as_joblib, truncated, emptied])
@pytest.mark.parametrize("file", [MODEL, TREES, GRAPH, IMPORTANCES])
def test_even_signed_anew_such_files_are_no_classifier(file: str, damage: object) -> None:
    """Hashes alone tell nothing to somebody who may write them; what is parsed must hold too."""
    assert callable(damage)
    files = dict(direction_files())
    files[file] = damage(files[file])

    with pytest.raises(ModelRefusedError):
        KIND.load("v1", files)


def test_a_graph_of_other_trees_is_not_even_registered(tmp_path: Path) -> None:
    made = a_direction_candidate()
    files = {**made.files, GRAPH: direction_files(rounds=21)[GRAPH]}

    with pytest.raises(ModelRefusedError, match="from the trees it was made of"):
        ModelRegistry(tmp_path).add(replace(made, files=files))


def test_a_version_signed_anew_with_such_a_graph_does_not_load(tmp_path: Path) -> None:
    registry, made = ModelRegistry(tmp_path), a_direction_candidate()
    files = {**made.files, "example.json": example(KIND, the_model(), made.inputs)}

    version = forged(registry, made.manifest, {**files, GRAPH: direction_files(rounds=21)[GRAPH]})

    with pytest.raises(ModelRefusedError, match="from the trees it was made of"):
        registry.load(NAME, version)


@pytest.mark.parametrize(
    "changed",
    [
        {"coin": ""},
        {"spec": "nothing like it"},
        {"spec": "regime"},
        {"interval": "4h"},
        {"spec_hash": "0" * 64},
        {"classes": ["sell", "buy", "hold"]},
        {"beta": 0},
        {"beta": float("inf")},
        {"seen": []},
        {"extra": 1},
    ],
)
def test_parameters_of_another_build_are_refused(changed: Mapping[str, object]) -> None:
    told = {**direction_parameters().model_dump(mode="json"), **changed}
    files = {**direction_files(), MODEL: canonical(told)}

    with pytest.raises(ModelRefusedError):
        KIND.load("v1", files)


def test_trees_of_another_shape_are_refused() -> None:
    rows = made_up_rows(100)
    narrow = xgboost.train(
        {"objective": "multi:softprob", "num_class": 3},
        xgboost.DMatrix(rows[:, :9], np.arange(100) % 3),
        1,
    )
    binary = xgboost.train(
        {"objective": "binary:logistic"}, xgboost.DMatrix(rows, np.arange(100) % 2), 1
    )

    for trees in (narrow, binary):
        files = {**direction_files(), TREES: bytes(trees.save_raw("ubj"))}
        with pytest.raises(ModelRefusedError, match="trees"):
            KIND.load("v1", files)


def the_graph() -> onnx.ModelProto:
    return onnx.load_model_from_string(direction_files()[GRAPH])


def with_external_data() -> bytes:
    model = the_graph()
    weights = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    model.graph.initializer.append(weights)
    return bytes(model.SerializeToString())


def with_a_custom_operator() -> bytes:
    model = the_graph()
    model.graph.node[0].op_type = "RunAnything"
    return bytes(model.SerializeToString())


def with_another_domain() -> bytes:
    model = the_graph()
    model.graph.node[0].domain = "com.example"
    return bytes(model.SerializeToString())


def with_one_operator_more() -> bytes:
    model = the_graph()
    model.graph.node.append(helper.make_node("Identity", ["rows"], ["more"]))
    return bytes(model.SerializeToString())


def with_a_subgraph() -> bytes:
    model = the_graph()
    model.graph.node[0].attribute.append(helper.make_attribute("body", model.graph))
    return bytes(model.SerializeToString())


def with_a_function() -> bytes:
    model = the_graph()
    model.functions.append(helper.make_function("x", "f", [], [], [], []))
    return bytes(model.SerializeToString())


def of_a_newer_opset() -> bytes:
    model = the_graph()
    model.opset_import[0].version = 99
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    "made",
    [
        with_external_data,
        with_a_custom_operator,
        with_another_domain,
        with_one_operator_more,
        with_a_subgraph,
        with_a_function,
        of_a_newer_opset,
    ],
)
def test_a_graph_that_is_more_than_one_ensemble_is_refused_before_it_is_loaded(
    made: Callable[[], bytes],
) -> None:
    require_plain(direction_files()[GRAPH])

    with pytest.raises(ValueError, match=r".+"):
        require_plain(made())


@given(st.binary(max_size=300))
def test_no_other_bytes_are_an_ensemble(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        require_plain(raw)


def test_a_service_without_a_classifier_loads_neither_library() -> None:
    code = (
        "import sys, signal_system.app;"
        "print([m for m in ('xgboost', 'onnxruntime', 'sklearn') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_unknown_values_in_plain_rows_are_nan() -> None:
    assert_allclose(matrix([[1.0, None]]), [[1.0, np.nan]])
    assert matrix([[1.0, None]]).dtype == np.float32
