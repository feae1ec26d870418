"""A store that forgets with the process."""

from collections.abc import Mapping, Sequence

from market_scraper.positions.identity import Identity
from market_scraper.positions.roster import Member, Overrides


class MemoryRepository:
    """See `Repository`."""

    def __init__(self) -> None:
        self._roster: tuple[Member, ...] = ()
        self._overrides: dict[str, bool] = {}
        self._sequences: dict[str, int] = {}
        self._identities: dict[str, Identity] = {}

    async def roster(self) -> Sequence[Member]:
        """Return who was tracked."""
        return self._roster

    async def replace_roster(self, members: Sequence[Member]) -> None:
        """Remember who is tracked."""
        self._roster = tuple(members)

    async def overrides(self) -> Overrides:
        """Return what a person added and removed."""
        return Overrides(
            frozenset(address for address, tracked in self._overrides.items() if tracked),
            frozenset(address for address, tracked in self._overrides.items() if not tracked),
        )

    async def override(self, address: str, *, tracked: bool | None) -> None:
        """Set or clear what a person wants for `address`."""
        if tracked is None:
            self._overrides.pop(address, None)
        else:
            self._overrides[address] = tracked

    async def sequences(self) -> Mapping[str, int]:
        """Return the last sequences."""
        return dict(self._sequences)

    async def save_sequences(self, sequences: Mapping[str, int]) -> None:
        """Remember the highest sequences."""
        for address, sequence in sequences.items():
            self._sequences[address] = max(sequence, self._sequences.get(address, 0))

    async def identities(self) -> Mapping[str, Identity]:
        """Return who is known."""
        return dict(self._identities)

    async def save_identity(self, address: str, identity: Identity) -> None:
        """Remember who `address` is."""
        self._identities[address] = identity

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        """Nothing to let go of."""
