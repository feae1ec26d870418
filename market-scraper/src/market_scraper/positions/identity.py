"""Who an address is: its own account, or a part of another's."""

from dataclasses import dataclass, replace

from shared_events.payloads import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """What an address is, and the account it belongs to if it is not its own.

    ``leader`` decides for a vault; ``children`` are the sub-accounts of an account, or the vaults among
    which a vault parts its money and nets positions.
    """

    role: Role
    master: str | None
    leader: str | None = None
    children: tuple[str, ...] = ()

    def related(self, relations: "Relations") -> "Identity":
        """Return it with its `relations`; a vault that is another's child has that as its master."""
        master = relations.parent or self.master
        return replace(self, master=master, leader=relations.leader, children=relations.children)


@dataclass(frozen=True, slots=True)
class Relations:
    """Whom an address belongs to, and who belongs to it."""

    leader: str | None = None
    parent: str | None = None
    children: tuple[str, ...] = ()
