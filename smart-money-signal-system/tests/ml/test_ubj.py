import json
import pickle

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings, strategies as st

from signal_system.ml.model_kinds import TREES
from signal_system.ml.trees import Booster
from signal_system.ml.ubj import read, require_trees
from signal_system.testing.directions import direction_files

RAW = direction_files()[TREES]


def plain(value: object) -> object:
    """Return a document without arrays of numpy."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | np.ndarray):
        return [plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def alike(one: object, other: object) -> bool:
    """Compare but for what float32 loses in decimals."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == (pytest.approx(other, rel=1e-6) if isinstance(other, float) else other)


def test_what_is_read_is_what_xgboost_writes_as_json() -> None:
    trees = xgboost.Booster()
    trees.load_model(bytearray(RAW))
    told = json.loads(bytes(trees.save_raw("json")))

    assert alike(plain(read(RAW)), told)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(RAW) - 1), st.integers(0, 7))
def test_no_changed_bit_ends_the_process(place: int, bit: int) -> None:
    """XGBoost alone ends it at most of them: such a file is refused, or it is an ensemble still."""
    changed = bytearray(RAW)
    changed[place] ^= 1 << bit

    try:
        trees = Booster(bytes(changed), 28, 3)
    except ValueError:
        return

    assert trees.probabilities(np.zeros((1, 28), np.float32)).shape == (1, 3)


@settings(deadline=None)
@given(st.integers(0, len(RAW) - 1))
def test_no_beginning_of_a_file_is_one(length: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        require_trees(RAW[:length], 28, 3)


@given(st.binary(max_size=200))
def test_no_other_bytes_are_an_ensemble(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        require_trees(raw, 28, 3)


@pytest.mark.parametrize(
    "raw",
    [b"{}", RAW + b"}", RAW + RAW, pickle.dumps({"learner": 1}, 0), b"{" * 10_000, b"[#" * 99],
)
def test_neither_are_these(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        require_trees(raw, 28, 3)
