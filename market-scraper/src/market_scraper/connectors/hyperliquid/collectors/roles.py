"""Find out, slowly, which tracked addresses belong to the same owner: sub-accounts, vaults, their leaders."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.parse import (
    parse_role,
    parse_sub_accounts,
    parse_vault,
)
from market_scraper.connectors.hyperliquid.ranking import profile
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.outlet import Outlet
from market_scraper.positions.identity import Identity, Relations
from market_scraper.positions.scoring import Standing
from market_scraper.storage.repository import Repository
from shared_events.runtime.clock import Clock

_PACE_SECONDS = 15.0
_REST_SECONDS = 15.0


class RolesCollector:
    """Asks for one role at a time, the best trader first, and never twice.

    Parameters
    ----------
    wanted
        Returns who is tracked, best first; empty while there is something more urgent to do.
    standing
        Returns a trader's leaderboard row.
    """

    name: ClassVar[str] = "roles"

    def __init__(  # noqa: PLR0913 -- each is a collaborator of its own
        self,
        info: InfoClient,
        outlet: Outlet,
        repository: Repository,
        venue_time: VenueTime,
        clock: Clock,
        *,
        wanted: Callable[[], Sequence[str]],
        standing: Callable[[str], Standing | None],
    ) -> None:
        self.pulse = Pulse()
        self._info = info
        self._outlet = outlet
        self._repository = repository
        self._venue_time = venue_time
        self._clock = clock
        self._wanted = wanted
        self._standing = standing

    async def collect(self) -> None:
        """Ask until cancelled."""
        known = set(await self._repository.identities())
        while True:
            address = next((who for who in self._wanted() if who not in known), None)
            if address is None:
                await self._clock.sleep(_REST_SECONDS)
                continue
            identity = parse_role(await self._info.user_role(address))
            await self._tell(address, identity)
            relations = await self._relations(address, identity)
            if relations != Relations():
                identity = identity.related(relations)
                await self._tell(address, identity)
            known.add(address)
            await self._repository.save_identity(address, identity)
            self.pulse.beat(self._clock.now(), _PACE_SECONDS)
            await self._clock.sleep(_PACE_SECONDS)

    async def _relations(self, address: str, identity: Identity) -> Relations:
        """Ask who leads a vault and how it is parted, or which sub-accounts an account has."""
        match identity.role:
            case "vault":
                return parse_vault(await self._info.vault_details(address))
            case "user":
                return parse_sub_accounts(await self._info.sub_accounts(address))
            case _:
                return Relations()

    async def _tell(self, address: str, identity: Identity) -> None:
        at = self._venue_time.now()
        await self._outlet.tell([profile(address, at, self._standing(address), identity)])
