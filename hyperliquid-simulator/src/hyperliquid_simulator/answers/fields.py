"""Reading the fields of a request; whatever does not fit is refused as the venue refuses it."""

from collections.abc import Sequence
from re import fullmatch
from typing import Final

from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.dexes import OWN, Dex
from hyperliquid_simulator.errors import internal, undeserializable

LATEST_MS: Final = 2**53


def user(request: Json, name: str = "user") -> str:
    """Return the lower-case address asked for."""
    value = request.get(name)
    if not isinstance(value, str) or not fullmatch(r"0[xX][0-9a-fA-F]{40}", value):
        raise undeserializable()
    return value.lower()


def text(request: Json, name: str) -> str:
    """Return a field that must be a string."""
    value = request.get(name)
    if not isinstance(value, str):
        raise undeserializable()
    return value


def moment(request: Json, name: str, default: int | None = None) -> int:
    """Return a field in epoch milliseconds; it is required if there is no default."""
    value = request.get(name)
    value = default if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LATEST_MS:
        raise undeserializable()
    return value


def flag(request: Json, name: str) -> bool:
    """Return an optional yes or no, no if absent."""
    value = request.get(name)
    if value is not None and not isinstance(value, bool):
        raise undeserializable()
    return bool(value)


def small(request: Json, name: str) -> int | None:
    """Return an optional whole number."""
    value = request.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise undeserializable()
    return value


def perp_dex(request: Json, dexes: Sequence[Dex]) -> Dex:
    """Return the perp dex asked for, the venue's own by default; what it does not know is a 500."""
    name = request.get("dex") or OWN
    if not isinstance(name, str):
        raise undeserializable()
    for dex in dexes:
        if dex.name == name:
            return dex
    raise internal()
