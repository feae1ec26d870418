"""A roster that arrives in parts, and is whole only when all of them did."""

from datetime import datetime

from msgspec import Struct

from shared_events.payloads import TrackedTrader


class RosterSnapshot(Struct):
    """One snapshot of the roster while its parts come in, in any order."""

    id: str
    total: int
    at: datetime
    seen: set[int] = set()
    addresses: set[str] = set()

    @property
    def is_whole(self) -> bool:
        """Whether every part has come."""
        return len(self.seen) >= self.total


def collected(so_far: RosterSnapshot | None, told: TrackedTrader) -> RosterSnapshot | None:
    """Return the snapshot after `told`: the newest one there is, with this part if it is its own."""
    part = told.snapshot
    if part is None or (so_far and so_far.id != part.id and told.at < so_far.at):
        return so_far
    if so_far is None or so_far.id != part.id:
        so_far = RosterSnapshot(part.id, part.total, told.at)
    so_far.at = max(so_far.at, told.at)
    so_far.seen.add(part.index)
    so_far.addresses.add(told.address)
    return so_far
