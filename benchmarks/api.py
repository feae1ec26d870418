"""How fast the API answers: requests a second, p50 and p99, with keep-alive, over loopback.

Run `uv run python benchmarks/api.py`. The service runs in this process, on uvloop and httptools as `signal-system run`
does, with 200 coins whose list changes ten times a second; the load comes from a second process that
speaks just enough HTTP to stay out of the way. Every connection asks again as soon as it was
answered, so a latency holds the wait behind the other connections. Rounds of the routes are
interleaved; each figure is the median of them.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle
from multiprocessing.connection import Connection
from typing import cast
from urllib.parse import urlsplit

import uvloop

from shared_events.bus.memory import MemoryEventBus
from signal_system.api.testing.factories import a_signal
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings, serving
from signal_system.api.web import build

COINS = ("BTC", *(f"COIN{n}" for n in range(199)))
ROUNDS = 3
CHANGE_SECONDS = 0.1
MOST_SECONDS = 60.0
MOST_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Route:
    """One question; `tagged` sends the tag of the answer before, which is mostly still right."""

    title: str
    path: str
    tagged: bool = False


ROUTES = (
    Route("GET /api/v1/signals", "/api/v1/signals"),
    Route("GET /api/v1/signals, If-None-Match", "/api/v1/signals", tagged=True),
    Route("GET /api/v1/signals/BTC", "/api/v1/signals/BTC"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one round: latencies in milliseconds, CPU of the service in microseconds a request."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    answer_bytes: float


class Changing(MemoryReadModel):
    """A list that takes turns between two bodies."""

    def __init__(self) -> None:
        super().__init__(*(a_signal(coin=coin) for coin in COINS))
        before = super().rows()
        self.say(a_signal(score=0.4, journal_position=8))
        self._turns = cycle((before, super().rows()))
        self._now = before

    def rows(self) -> bytes:
        """Return the body whose turn it is."""
        return self._now

    async def change(self) -> None:
        """Let them take turns for ever."""
        for body in self._turns:
            await asyncio.sleep(CHANGE_SECONDS)
            self._now = bytes(bytearray(body))  # equal bytes, but none that were hashed before


class Caller(asyncio.Protocol):
    """Asks, reads the answer, asks again, until the time is over."""

    def __init__(self, host: str, route: Route, until: float, done: asyncio.Future[None]) -> None:
        self._request = f"GET {route.path} HTTP/1.1\r\nHost: {host}\r\n"
        self._tagged, self._until, self._done = route.tagged, until, done
        self._tag, self._left, self._asked_at = "", 0, 0.0
        self._buffer = b""
        self.latencies: list[float] = []
        self.received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if the service hung up."""
        if not self._done.done():
            self._done.set_exception(exc or ConnectionResetError("the service hung up"))

    def data_received(self, data: bytes) -> None:
        """Ask again as soon as the whole answer is here."""
        self.received += len(data)
        if not self._left:
            self._buffer += data
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._buffer = b""
            self._left = self._read(head)
            data = rest
        self._left -= len(data)
        if self._left == 0:
            self._answered()

    def _read(self, head: bytes) -> int:
        lines = head.decode().split("\r\n")
        if lines[0].split()[1] not in {"200", "304"}:
            raise ValueError(lines[0])
        headers = dict(line.split(": ", 1) for line in lines[1:])
        self._tag = headers["etag"]
        return int(headers.get("content-length", 0))

    def _answered(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self._asked_at)
        if now < self._until:
            self._ask()
        else:
            self._transport.close()
            self._done.set_result(None)

    def _ask(self) -> None:
        tag = f"If-None-Match: {self._tag}\r\n" if self._tagged and self._tag else ""
        self._asked_at = time.perf_counter()
        self._transport.write(f"{self._request}{tag}\r\n".encode())


def load(sender: Connection, url: str, route: Route, seconds: float, connections: int) -> None:
    """Ask for `seconds` over `connections`; send back every latency and the bytes received."""
    sender.send(uvloop.run(_load(url, route, seconds, connections)))


async def _load(
    url: str, route: Route, seconds: float, connections: int
) -> tuple[list[float], int]:
    loop, parts = asyncio.get_running_loop(), urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 0
    until = time.perf_counter() + seconds
    callers: list[Caller] = []
    ends: list[asyncio.Future[None]] = []
    for _ in range(connections):
        ends.append(loop.create_future())
        make = partial(Caller, parts.netloc, route, until, ends[-1])
        _, caller = await loop.create_connection(make, host, port)
        callers.append(caller)
    async with asyncio.timeout(seconds + 10.0):
        await asyncio.gather(*ends)
    latencies = [latency for caller in callers for latency in caller.latencies]
    return latencies, sum(caller.received for caller in callers)


async def measure(seconds: float, connections: int) -> dict[str, Figures]:
    """Return the median figures of every route."""
    read_model = Changing()
    changes = asyncio.create_task(read_model.change())
    rounds: dict[str, list[Figures]] = {route.title: [] for route in ROUTES}
    async with serving(build(read_model, MemoryEventBus(), OwnSettings())) as url:
        for _ in range(ROUNDS):
            for route in ROUTES:
                rounds[route.title].append(await _round(url, route, seconds, connections))
    changes.cancel()
    return {title: _medians(figures) for title, figures in rounds.items()}


async def _round(url: str, route: Route, seconds: float, connections: int) -> Figures:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=load, args=(sender, url, route, seconds, connections))
    before = time.process_time()
    process.start()
    latencies, received = await asyncio.to_thread(receiver.recv)
    spent = time.process_time() - before
    await asyncio.to_thread(process.join)
    cuts = statistics.quantiles(latencies, n=100)
    count = len(latencies)
    return Figures(
        per_second=count / seconds,
        p50_ms=cuts[49] * 1e3,
        p99_ms=cuts[98] * 1e3,
        cpu_us=spent / count * 1e6,
        answer_bytes=received / count,
    )


def _medians(rounds: Sequence[Figures]) -> Figures:
    columns = zip(*(asdict(figures).values() for figures in rounds), strict=True)
    return Figures(*(statistics.median(column) for column in columns))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast the API answers.")
    parser.add_argument("--seconds", type=float, default=9.0, help="of load in all, at most 60")
    parser.add_argument("--connections", type=int, default=8, help="at most 64")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    seconds = min(given.seconds, MOST_SECONDS) / (ROUNDS * len(ROUTES))
    results = uvloop.run(measure(seconds, min(given.connections, MOST_CONNECTIONS)))
    if given.json:
        print(json.dumps({title: asdict(figures) for title, figures in results.items()}))
        return
    print(f"{'':36}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'bytes':>9}")
    for title, each in results.items():
        print(
            f"{title:36}{each.per_second:10,.0f}{each.p50_ms:9.2f}{each.p99_ms:9.2f}"
            f"{each.cpu_us:9.0f}{each.answer_bytes:9,.0f}"
        )


if __name__ == "__main__":
    main()
