"""Subscriptions in the form the venue echoes: known keys in order, defaults added, lower case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from re import fullmatch
from typing import Any, Final

from hyperliquid_simulator.answers.book import Zoom
from hyperliquid_simulator.coins.candles import INTERVAL_MINUTES
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.world.board import Board


class InvalidSubscriptionError(Exception):
    """The channel exists but its parameters are wrong."""


class UnknownCoinError(Exception):
    """A coin that is not listed: the venue closes the whole socket."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A canonical subscription; equal ones share one feed."""

    type: str
    parameters: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, name: str) -> Any:
        return dict(self.parameters)[name]

    @property
    def user(self) -> str | None:
        """The account it is specific to, if any."""
        found: str | None = dict(self.parameters).get("user")
        return found

    def wire(self) -> dict[str, Any]:
        """Return the venue's echo of it."""
        return {"type": self.type, **dict(self.parameters)}


def canonical(
    kind: str, parameters: Sequence[str], raw: Mapping[str, Any], listed: Board
) -> Subscription:
    """Return the canonical form; raises what is wrong with the parameters.

    Parameters that end in a question mark are not echoed where they were not given.
    """
    names = (
        name.rstrip("?") for name in parameters if not name.endswith("?") or raw.get(name[:-1])
    )
    found = {name: PARAMETERS[name](raw.get(name)) for name in names}
    if "coin" in found and found["coin"] not in listed.index:
        raise UnknownCoinError(found["coin"])
    if "dex" in found and all(found["dex"] != dex.name for dex in listed.dexes):
        raise InvalidSubscriptionError
    if "nSigFigs" in found:
        _checked_zoom(found)
    return Subscription(kind, tuple(found.items()))


def _checked_zoom(found: Mapping[str, Any]) -> None:
    try:
        Zoom(found["nSigFigs"], found["mantissa"])
    except RequestError as e:
        raise InvalidSubscriptionError from e


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidSubscriptionError
    return value


def _user(value: Any) -> str:
    if not isinstance(value, str) or not fullmatch(r"0[xX][0-9a-fA-F]{40}", value):
        raise InvalidSubscriptionError
    return value.lower()


def _interval(value: Any) -> str:
    if not isinstance(value, str) or value not in INTERVAL_MINUTES:
        raise InvalidSubscriptionError
    return value


def _dex(value: Any) -> str:
    return OWN if value is None else _text(value)


def _flag(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidSubscriptionError


def _number(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InvalidSubscriptionError


PARAMETERS: Final = {
    "coin": _text,
    "user": _user,
    "interval": _interval,
    "dex": _dex,
    "aggregateByTime": _flag,
    "fast": _flag,
    "ignorePortfolioMargin": _flag,
    "nSigFigs": _number,
    "mantissa": _number,
}
