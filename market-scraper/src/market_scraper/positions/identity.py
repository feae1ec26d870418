"""Who an address is: its own account, or a part of another's."""

from dataclasses import dataclass

from shared_events.payloads import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """What an address is, and the account it belongs to if it is not its own."""

    role: Role
    master: str | None
