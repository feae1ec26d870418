"""What has to outlive the process, and nothing else: positions are learned anew at every start."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from market_scraper.positions.identity import Identity
from market_scraper.positions.roster import Member, Overrides


class Repository(Protocol):
    """A small, durable memory. Every method either did all of it or raises.

    Raises
    ------
    StorageError
        If the store cannot be used.
    StorageBusyError
        If somebody else uses it right now.
    """

    async def roster(self) -> Sequence[Member]:
        """Return who was tracked when `replace_roster` was last called, best first."""
        ...

    async def replace_roster(self, members: Sequence[Member]) -> None:
        """Remember who is tracked, and nobody else."""
        ...

    async def overrides(self) -> Overrides:
        """Return what a person added and removed."""
        ...

    async def override(self, address: str, *, tracked: bool | None) -> None:
        """Let `address` always be tracked, never, or (None) as the leaderboard decides."""
        ...

    async def sequences(self) -> Mapping[str, int]:
        """Return the last sequence published for every trader."""
        ...

    async def save_sequences(self, sequences: Mapping[str, int]) -> None:
        """Remember `sequences`; one that is lower than what is known is ignored."""
        ...

    async def identities(self) -> Mapping[str, Identity]:
        """Return what is known of who addresses are."""
        ...

    async def save_identity(self, address: str, identity: Identity) -> None:
        """Remember who `address` is."""
        ...

    async def ping(self) -> None:
        """Return if the store answers."""
        ...

    async def close(self) -> None:
        """Let go of the store."""
        ...
