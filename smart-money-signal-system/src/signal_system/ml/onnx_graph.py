"""What an ONNX file may hold here: one tree ensemble, and nothing that reads, runs or points elsewhere.

A file is Protocol Buffers; it is walked by a list of what is allowed, and whatever is not on it
refuses the file: external data, tensors, subgraphs, functions, other operators, custom domains.
"""

from collections.abc import Iterator, Mapping

OPERATOR = (b"ai.onnx.ml", b"TreeEnsembleClassifier")
NEWEST_OPSET = {b"": 26, b"ai.onnx.ml": 5}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10

_MODEL = {1: "ir_version", 2: "producer", 3: "version", 4: "domain", 5: "number", 6: "doc"}
_GRAPH_OF_MODEL, _OPSET_OF_MODEL = 7, 8
_GRAPH = {2: "name", 10: "doc", 11: "input", 12: "output"}
_NODE_OF_GRAPH = 1
_NODE = {1: "input", 2: "output", 3: "name", 6: "doc"}
_OPERATOR_OF_NODE, _ATTRIBUTE_OF_NODE, _DOMAIN_OF_NODE = 4, 5, 7
_ATTRIBUTE = {
    1: "name",
    2: "f",
    3: "i",
    4: "s",
    7: "floats",
    8: "ints",
    9: "strings",
    13: "doc",
    20: "type",
}

Value = int | bytes


def require_plain(raw: bytes) -> None:
    """Return if `raw` is an ONNX model of one tree ensemble.

    Raises
    ------
    ValueError
        Saying what else is in it.
    """
    graphs = []
    for number, value in _fields(raw):
        if number == _GRAPH_OF_MODEL:
            graphs.append(_message(value))
        elif number == _OPSET_OF_MODEL:
            _require_known(_message(value))
        else:
            _require(number, _MODEL, "the model")
    if len(graphs) != 1:
        raise ValueError(f"it holds {len(graphs)} graphs, and one is expected")
    _require_one_ensemble(graphs[0])


def _require_one_ensemble(graph: bytes) -> None:
    nodes = []
    for number, value in _fields(graph):
        if number == _NODE_OF_GRAPH:
            nodes.append(_message(value))
        else:
            _require(number, _GRAPH, "the graph")
    if len(nodes) != 1:
        raise ValueError(f"it holds {len(nodes)} operators, and one is expected")
    _require_ensemble(nodes[0])


def _require_ensemble(node: bytes) -> None:
    named: dict[int, bytes] = {}
    for number, value in _fields(node):
        if number in {_OPERATOR_OF_NODE, _DOMAIN_OF_NODE}:
            named[number] = _message(value)
        elif number == _ATTRIBUTE_OF_NODE:
            for inner, _ in _fields(_message(value)):
                _require(inner, _ATTRIBUTE, "an attribute")
        else:
            _require(number, _NODE, "the operator")
    operator = named.get(_DOMAIN_OF_NODE, b""), named.get(_OPERATOR_OF_NODE, b"")
    if operator != OPERATOR:
        raise ValueError(f"its operator is {operator!r}: only {OPERATOR!r} is served")


def _require_known(opset: bytes) -> None:
    domain, version = b"", 0
    for number, value in _fields(opset):
        if number == 1:
            domain = _message(value)
        elif isinstance(value, int):
            version = value
    if not 1 <= version <= NEWEST_OPSET.get(domain, 0):
        raise ValueError(f"it needs version {version} of the operators {domain!r}")


def _require(number: int, allowed: Mapping[int, str], where: str) -> None:
    if number not in allowed:
        raise ValueError(f"{where} has field {number}, which no tree ensemble needs")


def _message(value: Value) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where a message is expected")  # noqa: TRY004 -- of the file
    return value


def _fields(raw: bytes) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field; a fixed-width one as its bytes."""
    place = 0
    while place < len(raw):
        key, place = _varint(raw, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(raw, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, place = _varint(raw, place)
        elif kind in {_FIXED32, _FIXED64}:
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("it is no ONNX file")
        if place + size > len(raw):
            raise ValueError("it ends within a field")
        yield key >> 3, raw[place : place + size]
        place += size


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        if place + count >= len(raw):
            raise ValueError("it ends within a number")
        byte = raw[place + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:  # noqa: PLR2004 -- the last byte of a number has its top bit clear
            return value, place + count + 1
    raise ValueError("a number in it never ends")
