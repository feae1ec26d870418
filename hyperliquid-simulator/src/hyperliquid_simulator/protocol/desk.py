"""What every info request meets, whichever way it came: failures, its price, its answer."""

from http import HTTPStatus
from typing import Any

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.protocol.faults import Faults
from hyperliquid_simulator.protocol.limits import Limits, base_weight, row_weight
from hyperliquid_simulator.world.world import World


class InfoDesk:
    """Answers info requests from the world as it is, at the venue's weights."""

    def __init__(self, world: World, limits: Limits, faults: Faults) -> None:
        self._world = world
        self._limits = limits
        self._faults = faults

    def is_open(self) -> None:
        """Return unless a fault refuses every request now, which is then raised."""
        refusal = self._faults.refusal()
        if refusal is not None:
            raise refusal

    @property
    def delay_seconds(self) -> float:
        """How long an answer is held back now."""
        return self._faults.delay_seconds

    def answer(self, ip: str, request: Json) -> Any:
        """Return the answer to `request`, charged to `ip` by kind and by rows.

        Raises
        ------
        RequestError
            If `ip` has spent its weight, or there is no such request.
        """
        kind = str(request.get("type"))
        if not self._limits.request(ip, base_weight(kind)):
            raise RequestError(HTTPStatus.TOO_MANY_REQUESTS, b"null")
        answer = info.answer(self._world, request)
        self._limits.rows(ip, row_weight(kind, len(answer) if isinstance(answer, list) else 0))
        return answer
