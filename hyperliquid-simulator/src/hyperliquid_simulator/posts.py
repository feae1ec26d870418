"""Info requests over the websocket: what `POST /info` answers, under the request's own id."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from hyperliquid_simulator import info
from hyperliquid_simulator.channels import frame, unreadable
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.faults import Faults
from hyperliquid_simulator.limits import Limits, base_weight, row_weight
from hyperliquid_simulator.views import Json
from hyperliquid_simulator.world import World

LARGEST_ID: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Post:
    """One request in flight; ``raw`` is the client's own text."""

    ip: str
    number: int
    payload: Json
    raw: str
    reply: Callable[[bytes], None]


class Posts:
    """All requests in flight: accepted at any time, answered with the next block.

    They cost what they cost over HTTP, and the venue's failures over HTTP are theirs, too.
    """

    def __init__(
        self, world: World, limits: Limits, faults: Faults, elapsed: Callable[[], float]
    ) -> None:
        self._world = world
        self._limits = limits
        self._faults = faults
        self._elapsed = elapsed
        self._flying: list[Post] = []

    def accept(self, ip: str, message: Json, raw: str, reply: Callable[[bytes], None]) -> None:
        """Take a request on, or reply why not."""
        number, payload = _number(message), _info_payload(message)
        if number is None or payload is None:
            reply(unreadable(raw))
        elif not self._limits.post(ip):
            reply(frame("error", f"too many pending post requests id={number}"))
        else:
            self._flying.append(Post(ip, number, payload, raw, reply))

    def answer(self) -> None:
        """Answer everything in flight."""
        flying, self._flying = self._flying, []
        for post in flying:
            self._limits.posted(post.ip)
            response = self._response(post)
            if response is None:
                post.reply(unreadable(post.raw))
            else:
                post.reply(frame("post", {"id": post.number, "response": response}))

    def _response(self, post: Post) -> Json | None:
        """Return the response, None where there is no such request."""
        try:
            data = self._data(post)
        except RequestError as e:
            if e.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                return None
            return {"type": "error", "payload": f"{e.status} {HTTPStatus(e.status).phrase}"}
        return {"type": "info", "payload": {"type": post.payload["type"], "data": data}}

    def _data(self, post: Post) -> Any:
        refusal = self._faults.refusal(self._elapsed())
        if refusal is not None:
            raise refusal
        kind = str(post.payload.get("type"))
        if not self._limits.request(post.ip, base_weight(kind)):
            raise RequestError(HTTPStatus.TOO_MANY_REQUESTS, b"null")
        answer = info.answer(self._world, post.payload)
        rows = len(answer) if isinstance(answer, list) else 0
        self._limits.rows(post.ip, row_weight(kind, rows))
        return answer


def _number(message: Json) -> int | None:
    number = message.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return number if 0 <= number <= LARGEST_ID else None


def _info_payload(message: Json) -> Json | None:
    request = message.get("request")
    if not isinstance(request, dict) or request.get("type") != "info":
        return None
    payload = request.get("payload")
    return payload if isinstance(payload, dict) else None
