"""Which perpetuals trade now, and which do no more. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Listing:
    """What was last read of every part of the venue: its own exchange, those of builders."""

    _parts: dict[str, dict[str, None]] = field(default_factory=dict)

    @property
    def coins(self) -> list[str]:
        """Every coin that trades, part by part in the venue's order."""
        return [coin for part in self._parts.values() for coin in part]

    def take(self, part: str, coins: Iterable[str]) -> list[str]:
        """Note which `coins` trade in `part`; return those that did before and do no more.

        Nothing at all is taken for an answer that was cut off, not for the end of everything.
        """
        now, before = dict.fromkeys(coins), self._parts.get(part, {})
        if not now:
            return []
        self._parts[part] = now
        return [coin for coin in before if coin not in now]
