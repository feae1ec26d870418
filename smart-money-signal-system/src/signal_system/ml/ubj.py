"""Reads XGBoost's UBJ before XGBoost does: the library ends the process at a file that is no such one.

The format is Universal Binary JSON (ubjson.org, draft 12) with the markers that XGBoost writes.
"""

from collections.abc import Mapping
from struct import Struct
from typing import Any

import numpy as np

from signal_system.ml.arrays import Ints

_COUNT = Struct(">q")
_NUMBERS = {
    b"i": ">i1",
    b"U": ">u1",
    b"I": ">i2",
    b"l": ">i4",
    b"L": ">i8",
    b"d": ">f4",
    b"D": ">f8",
}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None}
_DEEPEST = 20
_NO_PARENT, _NO_CHILD = 2**31 - 1, -1

_PER_NODE = (
    "base_weights",
    "default_left",
    "left_children",
    "loss_changes",
    "parents",
    "right_children",
    "split_conditions",
    "split_indices",
    "split_type",
    "sum_hessian",
)


def require_trees(raw: bytes, features: int, classes: int) -> None:
    """Return if `raw` is an ensemble of plain trees over so many features, for so many classes.

    Raises
    ------
    ValueError
        Saying what it is instead.
    """
    try:
        learner = read(raw)["learner"]
        shape, booster = learner["learner_model_param"], learner["gradient_booster"]
        found = learner["objective"]["name"], shape["num_feature"], shape["num_class"]
        if found != ("multi:softprob", f"{features}", f"{classes}"):
            raise ValueError(f"the trees are {found[0]} of {found[1]} features, {found[2]} classes")
        _require_rounds(booster, classes)
        for number, tree in enumerate(booster["model"]["trees"]):
            _require_tree(tree, number, features)
    except (KeyError, TypeError, IndexError, AttributeError) as e:
        raise ValueError("it is UBJ, and no tree ensemble") from e


def read(raw: bytes) -> Mapping[str, Any]:
    """Return the document that `raw` is; arrays of numbers as arrays of numpy.

    Raises
    ------
    ValueError
        If it is none, or more than one.
    """
    document, end = _Reader(raw).value(0, 0)
    if not isinstance(document, dict) or end != len(raw):
        raise ValueError("it is no UBJ document")
    return document


def _require_rounds(booster: Mapping[str, Any], classes: int) -> None:
    """Refuse what is not whole rounds of one tree for each class."""
    model = booster["model"]
    count = len(model["trees"])
    told = {"num_parallel_tree": "1", "num_trees": f"{count}"}
    rounds = np.asarray(model["iteration_indptr"]).tolist()
    groups = np.asarray(model["tree_info"]).tolist()
    if booster["name"] != "gbtree" or model["gbtree_model_param"] != told:
        raise ValueError("it is no ensemble of plain trees")
    if rounds != list(range(0, count + 1, classes)) or groups != [*range(classes)] * len(
        rounds[1:]
    ):
        raise ValueError("its trees belong to no class")


def _require_tree(tree: Mapping[str, Any], number: int, features: int) -> None:
    """Refuse a tree that could lead nowhere: a child comes after its parent and has one."""
    count = len(tree["left_children"])
    shape = {"num_deleted": "0", "num_feature": f"{features}", "size_leaf_vector": "1"}
    if tree["id"] != number or tree["tree_param"] != shape | {"num_nodes": f"{count}"}:
        raise ValueError("a tree is not of the shape it should be")
    if any(len(tree[name]) != count for name in _PER_NODE):
        raise ValueError("a tree has lost nodes")
    left, right, parents, splits = (
        _integers(tree[name])
        for name in ("left_children", "right_children", "parents", "split_indices")
    )
    inner, nodes = left != _NO_CHILD, np.arange(count)
    above = np.full(count, _NO_PARENT)
    lost = (left[inner] < 0) | (left[inner] >= count) | (right[inner] < 0) | (right[inner] >= count)
    if np.any(lost) or np.any(inner != (right != _NO_CHILD)):
        raise ValueError("a tree has branches that lead nowhere")
    above[left[inner]] = above[right[inner]] = nodes[inner]
    if np.any(above != parents) or np.any(above[1:] >= nodes[1:]) or above[0] != _NO_PARENT:
        raise ValueError("a tree's branches and its nodes differ about who belongs to whom")
    if np.any((splits < 0) | (splits >= features)):
        raise ValueError("a tree asks for features that there are not")
    if np.any(np.asarray(tree["split_type"])):
        raise ValueError("a tree splits by category: none is expected")


def _integers(values: Any) -> Ints:
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "iu":
        raise ValueError("a tree counts in fractions")
    return numbers.astype(np.int64)


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def value(self, place: int, depth: int) -> tuple[Any, int]:
        """Return the value that begins at `place`, and where the next one does."""
        marker = self._raw[place : place + 1]
        if marker in _CONSTANTS:
            return _CONSTANTS[marker], place + 1
        if marker in _NUMBERS:
            numbers, end = self._numbers(marker, place + 1, 1)
            return numbers[0].item(), end
        if marker == b"S":
            return self._text(place + 1)
        if depth < _DEEPEST and marker == b"{":
            return self._object(place + 1, depth + 1)
        if depth < _DEEPEST and marker == b"[":
            return self._array(place + 1, depth + 1)
        raise ValueError("it is no UBJ document")

    def _object(self, place: int, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        while self._raw[place : place + 1] != b"}":
            key, place = self._text(place)
            if key in found:
                raise ValueError(f"it says {key!r} twice")
            found[key], place = self.value(place, depth)
        return found, place + 1

    def _array(self, place: int, depth: int) -> tuple[Any, int]:
        if self._raw[place : place + 1] == b"$":
            count, start = self._count(place + 2)
            return self._numbers(self._raw[place + 1 : place + 2], start, count)
        count, place = self._count(place)
        found = []
        for _ in range(count):
            each, place = self.value(place, depth)
            found.append(each)
        return found, place

    def _numbers(self, marker: bytes, place: int, count: int) -> tuple[Any, int]:
        if marker not in _NUMBERS:
            raise ValueError("it is no UBJ document")
        end = place + count * np.dtype(_NUMBERS[marker]).itemsize
        if end > len(self._raw):
            raise ValueError("it ends within a number")
        return np.frombuffer(self._raw[place:end], _NUMBERS[marker]), end

    def _count(self, place: int) -> tuple[int, int]:
        if self._raw[place : place + 1] != b"#":
            raise ValueError("it is no UBJ document")
        return self._length(place + 1)

    def _text(self, place: int) -> tuple[str, int]:
        size, start = self._length(place)
        return self._raw[start : start + size].decode(), start + size

    def _length(self, place: int) -> tuple[int, int]:
        """Return a length of what follows: never more than is left."""
        end = place + 1 + _COUNT.size
        if self._raw[place : place + 1] != b"L" or end > len(self._raw):
            raise ValueError("it ends too early")
        size: int = _COUNT.unpack(self._raw[place + 1 : end])[0]
        if not 0 <= size <= len(self._raw) - end:
            raise ValueError("it is longer than it is")
        return size, end
