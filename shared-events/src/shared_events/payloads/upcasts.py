"""How the data of an older version of an event becomes the next version's."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

_Fields = dict[str, msgspec.Raw]
_SEVERITIES: Final = MappingProxyType(
    {"info": "LOW", "notable": "MEDIUM", "major": "HIGH", "critical": "CRITICAL"}
)


class _Alert(msgspec.Struct):
    severity: str


def _whale_alerts_2(data: bytes) -> bytes:
    """Name the severity in the words of version 2; all else stays as it was."""
    before = msgspec.json.decode(data, type=_Alert).severity
    after = msgspec.Raw(msgspec.json.encode(_SEVERITIES.get(before, before)))
    return msgspec.json.encode(msgspec.json.decode(data, type=_Fields) | {"severity": after})


UPCASTS: Final[Mapping[tuple[str, int], Callable[[bytes], bytes]]] = {
    ("whale_alerts", 1): _whale_alerts_2,
}
"""Old ``(type, version)`` to the function that turns its data into the next version's."""
