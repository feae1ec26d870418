"""Info requests over the websocket: what `POST /info` answers, under the request's own id."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.clock import Clock
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.protocol.channels import frame, unreadable
from hyperliquid_simulator.protocol.desk import InfoDesk
from hyperliquid_simulator.protocol.limits import Limits

LARGEST_ID: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Post:
    """One request in flight; ``raw`` is the client's own text."""

    ip: str
    number: int
    payload: Json
    raw: str
    reply: Callable[[bytes], None]
    sent_at: float


class Posts:
    """All requests in flight: accepted at any time, answered with the next block.

    They cost what they cost over HTTP, and the venue's failures over HTTP are theirs, too.
    """

    def __init__(self, desk: InfoDesk, limits: Limits, clock: Clock) -> None:
        self._desk = desk
        self._limits = limits
        self._clock = clock
        self._flying: list[Post] = []

    def accept(self, ip: str, message: Json, raw: str, reply: Callable[[bytes], None]) -> None:
        """Take a request on, or reply why not."""
        number, payload = _number(message), _info_payload(message)
        if number is None or payload is None:
            reply(unreadable(raw))
        elif not self._limits.post(ip):
            reply(frame("error", f"too many pending post requests id={number}"))
        else:
            self._flying.append(Post(ip, number, payload, raw, reply, self._clock.waited()))

    def answer(self) -> None:
        """Answer everything in flight but what is held back."""
        if not self._flying:
            return
        latest = self._clock.waited() - self._desk.delay_seconds
        due = [post for post in self._flying if post.sent_at <= latest]
        self._flying = [post for post in self._flying if post.sent_at > latest]
        for post in due:
            self._limits.posted(post.ip)
            response = self._response(post)
            if response is None:
                post.reply(unreadable(post.raw))
            else:
                post.reply(frame("post", {"id": post.number, "response": response}))

    def _response(self, post: Post) -> Json | None:
        """Return the response, None where there is no such request."""
        try:
            self._desk.is_open()
            data = self._desk.answer(post.ip, post.payload)
        except RequestError as e:
            if e.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                return None
            return {"type": "error", "payload": f"{e.status} {HTTPStatus(e.status).phrase}"}
        return {"type": "info", "payload": {"type": post.payload["type"], "data": data}}


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
