"""Which addresses are one person's money: sub-accounts count as their master."""

from collections import defaultdict


class Families:
    """Who votes together.

    A sub-account names its master in its own profile; a master names its children in its own. The
    account's own word comes first; of several masters that claim one child the first by address.

    Examples
    --------
    >>> families = Families()
    >>> for address in families.learn("boss", None, (), ("a", "b")):
    ...     families.settle(address)
    >>> families.head("a"), families.head("boss"), sorted(families.members("boss"))
    ('boss', 'boss', ['a', 'b', 'boss'])
    """

    def __init__(self) -> None:
        self._masters: dict[str, str] = {}
        self._claims: defaultdict[str, set[str]] = defaultdict(set)
        self._heads: dict[str, str] = {}
        self._members: defaultdict[str, set[str]] = defaultdict(set)

    def head(self, address: str) -> str:
        """Return the address that `address` votes as."""
        return self._heads.get(address, address)

    def members(self, head: str) -> set[str]:
        """Return every address that votes as `head`."""
        own = {head} if self.head(head) == head else set()
        return own | self._members.get(head, set())

    def learn(
        self, address: str, master: str | None, lost: tuple[str, ...], children: tuple[str, ...]
    ) -> set[str]:
        """Note the family of `address`; return the addresses whose head may have changed.

        Parameters
        ----------
        lost
            The children that it named before.
        """
        if master is None:
            self._masters.pop(address, None)
        else:
            self._masters[address] = master
        for child in lost:
            self._claims[child].discard(address)
        for child in children:
            self._claims[child].add(address)
        return {address, *lost, *children}

    def settle(self, address: str) -> None:
        """Let `address` vote as what is now known of it."""
        before, after = self.head(address), self._due_head(address)
        self._members[before].discard(address)
        if not self._members[before]:
            del self._members[before]
        self._heads.pop(address, None)
        if after != address:
            self._heads[address] = after
            self._members[after].add(address)

    def _due_head(self, address: str) -> str:
        claims = self._claims.get(address)
        return self._masters.get(address) or (min(claims) if claims else address)
