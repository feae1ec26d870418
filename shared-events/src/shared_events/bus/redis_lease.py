"""One live reader for one place in a group: two would split its events without a word."""

from time import monotonic

from shared_events.bus import lua
from shared_events.bus.redis_link import RedisLink
from shared_events.errors import ConfigError

LEASE_SECONDS = 30.0
"""How long a place stays taken after its holder was killed, for anybody but that holder."""
_RENEWED_EVERY = LEASE_SECONDS / 6


class Lease:
    """The right to read as `consumer` of `group`, renewed for as long as one reads.

    Parameters
    ----------
    holder
        Who reads, for people: the same after a restart, which therefore need not wait; different
        for every other process that could want the place.
    """

    def __init__(self, link: RedisLink, *, group: str, consumer: str, holder: str) -> None:
        self._link = link
        self._place = f"events:lease:{group}:{consumer}"
        self._group = group
        self._holder = holder
        self._take = link.redis.register_script(lua.TAKE_LEASE)
        self._give_back = link.redis.register_script(lua.GIVE_BACK_LEASE)
        self._renew_at = 0.0

    async def keep(self) -> None:
        """Take the place, or renew the lease when it is time.

        Raises
        ------
        ConfigError
            If somebody else has it.
        """
        if monotonic() < self._renew_at:
            return
        milliseconds = int(LEASE_SECONDS * 1000)
        async with self._link.asking("take the place in the group"):
            other = await self._take([self._place], [self._holder, milliseconds])
        if other is not None:
            raise ConfigError(
                f"{other.decode()} reads the events of {self._group!r} from this Redis already, and"
                " two would each see a part: stop that one, or give this one a Redis of its own"
            )
        self._renew_at = monotonic() + _RENEWED_EVERY

    async def end(self) -> None:
        """Give the place back, so that anybody may take it at once."""
        self._renew_at = 0.0
        async with self._link.asking("give back the place in the group"):
            await self._give_back([self._place], [self._holder])
