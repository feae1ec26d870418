"""Who only repeats what somebody else did a little earlier."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

_MOST_MATES = 16
_LEAST_MOVES = 5
_RARELY = 0.5  # a leader moves after its follower less than this as often as the other way round


class Move(NamedTuple):
    """A voter's position that changed: which coin, towards which side (+1 or -1), when."""

    coin: str
    side: int
    at: float


class Following(Struct):
    """Counts, among voters whose results are alike, who moves after whom.

    Attributes
    ----------
    mates
        The voters that each is watched beside.
    moves
        How often each has moved since it was first watched.
    after
        How often it did so soon after which mate.
    last
        Every watched voter's last move in each coin.

    Examples
    --------
    >>> following = Following()
    >>> following.watch([(1, 2)])
    >>> for hour in range(6):
    ...     following.move(1, Move("BTC", 1, 3600.0 * hour), within=600.0)
    ...     following.move(2, Move("BTC", 1, 3600.0 * hour + 60), within=600.0)
    >>> following.followers(share=0.5)
    {2: 1}
    """

    mates: dict[int, list[int]] = {}
    moves: dict[int, int] = {}
    after: dict[int, dict[int, int]] = {}
    last: dict[int, dict[str, Move]] = {}

    def watch(self, clusters: Iterable[tuple[int, ...]]) -> None:
        """Watch the members of each cluster beside each other; forget whoever is in none."""
        self.mates = {
            voter: [mate for mate in cluster[: _MOST_MATES + 1] if mate != voter]
            for cluster in clusters
            for voter in cluster[: _MOST_MATES + 1]
        }
        self.moves = {voter: self.moves.get(voter, 0) for voter in self.mates}
        self.last = {voter: self.last.get(voter, {}) for voter in self.mates}
        self.after = {
            voter: {mate: self.after.get(voter, {}).get(mate, 0) for mate in mates}
            for voter, mates in self.mates.items()
        }

    def move(self, voter: int, move: Move, within: float) -> None:
        """Count a move of `voter` against those of its mates that made the same shortly before."""
        if voter not in self.mates:
            return
        self.moves[voter] += 1
        counts = self.after[voter]
        for mate in counts:
            theirs = self.last[mate].get(move.coin)
            if theirs and theirs.side == move.side and 0 < move.at - theirs.at <= within:
                counts[mate] += 1
        self.last[voter][move.coin] = move

    def followers(self, share: float) -> Mapping[int, int]:
        """Return whoever moves after one mate at least this share of the time, and after whom."""
        found = {}
        for voter, counts in self.after.items():
            moves = self.moves[voter]
            if not counts or moves < _LEAST_MOVES:
                continue
            leader, often = max(counts.items(), key=lambda item: (item[1], -item[0]))
            back = self.after.get(leader, {}).get(voter, 0)
            if often >= share * moves and back <= _RARELY * often:
                found[voter] = leader
        return found
