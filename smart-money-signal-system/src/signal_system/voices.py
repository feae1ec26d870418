"""Whose opinion counts how much, and the exposures that adds up to, coin by coin."""

from collections.abc import Collection, Iterable, Mapping

from signal_system.domain.exposure import Exposure, Voice
from signal_system.domain.families import Families
from signal_system.domain.trader import Move, Trader
from signal_system.price_history import MAX_COINS


class Voices:
    """The weights of traders, whom they vote with, and the stakes these lead to.

    Parameters
    ----------
    traders
        Everybody known, by address; whoever keeps them up says here what changed.

    Attributes
    ----------
    weights
        Of everybody who has a voice, in parts per million of a full one.
    loudness
        What a unit of somebody's size counts, in parts per million: the weight, unless the weighing
        brings books of different sizes to one.
    families
        Who votes as whom.
    coins
        The exposure of every coin that somebody with a voice ever held.
    """

    def __init__(self, traders: Mapping[str, Trader]) -> None:
        self._traders = traders
        self.weights: dict[str, int] = {}
        self.loudness: dict[str, int] = {}
        self.families = Families()
        self.coins: dict[str, Exposure] = {}

    def of(self, address: str) -> int:
        """Return what the opinion of `address` counts, in parts per million."""
        return self.weights.get(address, 0)

    def speaker(self, entity: str) -> str:
        """Return whose weight stands for the entity: its head, or its heaviest member instead."""
        if entity in self.weights:
            return entity
        members = sorted(self.families.members(entity))
        return max(members, key=self.of, default=entity)

    def members(self, entity: str) -> list[Trader]:
        """Return the traders with a voice that vote as `entity`."""
        family = self.families.members(entity)
        return [self._traders[address] for address in family if address in self.weights]

    def size_of(self, entity: str, coin: str) -> int | None:
        """Return what the entity's members with a voice hold of `coin`, in hundred-millionths.

        None if one of them holds nobody knows what.
        """
        books = [trader.book for trader in self.members(entity)]
        sizes = [book[coin].size for book in books if coin in book]
        return None if None in sizes else sum(size for size in sizes if size)

    def stance(self, entity: str, coin: str) -> tuple[int, float | None]:
        """Return what the entity's members with a voice hold of `coin`, and what they are worth.

        The size is in hundred-millionths, one that is not known counting as none; the worth is in
        USD, None while nobody told of any member's.
        """
        size, equity, is_told = 0, 0.0, False
        for trader in self.members(entity):
            held = trader.book.get(coin)
            size += held.voice if held else 0
            if trader.equity is not None:
                equity, is_told = equity + float(trader.equity), True
        return size, equity if is_told else None

    def follow(self, address: str, moves: Iterable[Move]) -> list[str]:
        """Let the voice of `address` follow its `moves`; return the coins this changed."""
        head, loudness = self.families.head(address), self.loudness.get(address, 0)
        return [move.coin for move in moves if self._shift(head, loudness, move)]

    def give(self, trader: Trader, voice: Voice | None) -> Collection[str]:
        """Give `trader` that voice, or none; return the coins this changed."""
        before = self.loudness.get(trader.address, 0)
        if voice is None:
            self.weights.pop(trader.address, None)
            self.loudness.pop(trader.address, None)
        else:
            self.weights[trader.address], self.loudness[trader.address] = voice
        gained = self.loudness.get(trader.address, 0) - before
        if not gained:
            return ()
        head = self.families.head(trader.address)
        return [
            coin
            for coin, held in trader.book.items()
            if self._shift(head, gained, Move(coin, 0, held.voice))
        ]

    def rehome(self, address: str) -> Collection[str]:
        """Let `address` vote with its family; return the coins this changed."""
        before = self.families.head(address)
        self.families.settle(address)
        after, loudness = self.families.head(address), self.loudness.get(address, 0)
        if before == after or not loudness:
            return ()
        book = self._traders[address].book
        for coin, held in book.items():
            self._shift(before, loudness, Move(coin, held.voice, 0))
            self._shift(after, loudness, Move(coin, 0, held.voice))
        return list(book)

    def _shift(self, head: str, loudness: int, move: Move) -> bool:
        """Move the stake of `head`; tell whether that changed the coin."""
        if not loudness:
            return False
        exposure = self.coins.get(move.coin)
        if exposure is None:
            if len(self.coins) >= MAX_COINS:
                return False
            exposure = self.coins[move.coin] = Exposure()
        exposure.shift(head, loudness * (move.after - move.before))
        return True
