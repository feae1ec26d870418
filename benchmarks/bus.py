"""What the bus costs beside bare redis-py and FastStream, on a real Redis that this starts itself.

uv run --group bench python benchmarks/bus.py [--rounds N] [--events N] [--json FILE]

Every round runs every contender once, in an order that changes, on the same events. A contender
first publishes them, then consumes them; "bare" is redis-py alone: pipelines of ready bytes, reads
of 500 that are acknowledged and never decoded. "bare redis-py + msgspec" also decodes them, with
none of the checks: where that is slow already, nothing that decodes can come near to bare. Ratios are of the events per second within a round;
the median over the rounds counts, so that a slow moment of the machine hits all contenders alike.
"""

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import msgspec
import uvloop
from faststream.redis import RedisBroker, StreamSub
from pydantic import AwareDatetime, BaseModel, create_model
from redis.asyncio import Redis
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from shared_events import StandardEvent, encode, event
from shared_events.bus import open_bus
from shared_events.payloads import (
    Contribution,
    Gate,
    Position,
    PositionChange,
    Signal,
    SignalSchema,
    TradeRef,
    TraderPositions,
    TraderPositionsSchema,
)
from shared_events.runtime.service import settle
from shared_events.testing.servers import (
    RedisServer,
    bundled_redis,
    redis_on_path,
    redis_version,
)

BATCH = 500
SILENT: Any = None
BARE, DECODING = "bare redis-py", "bare redis-py + msgspec"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COINS = ("BTC", "ETH", "SOL", "HYPE", "XRP", "DOGE", "AVAX", "LINK", "kPEPE", "FARTCOIN")


@dataclass(frozen=True)
class Load:
    """The events of a round, and their bytes for whoever does not encode."""

    events: Sequence[StandardEvent[Any]]
    raws: Sequence[bytes]

    def batches(self) -> Iterator["Load"]:
        """Cut it into batches."""
        for at in range(0, len(self.events), BATCH):
            yield self.first(at + BATCH, at)

    def first(self, count: int, start: int = 0) -> "Load":
        """Return the events up to `count`."""
        return Load(self.events[start:count], self.raws[start:count])


# ── The events ───────────────────────────────────────────────────────────────────────────────


def a_position(coin: str, n: int) -> Position:
    return Position(
        coin=coin,
        size=Decimal(n) / 8,
        quality="derived",
        entry=Decimal("65000.12"),
        mark=Decimal("66012.5"),
        notional=Decimal("8251.5625"),
        leverage=Decimal(20),
        margin_type="cross",
        margin_used=Decimal("412.578125"),
        unrealised_pnl=Decimal("126.5475"),
        cum_funding=Decimal("-12.145"),
        anchored_at=NOON,
    )


def a_change(n: int) -> PositionChange:
    return PositionChange(
        coin="BTC",
        kind="increase",
        size_before=Decimal(n - 1) / 8,
        size_after=Decimal(n) / 8,
        cause="trade",
        price=Decimal("66012.5"),
        notional=Decimal("8251.5625"),
        first=TradeRef(NOON, 118_906_512_037_719 + n),
        last=TradeRef(NOON, 118_906_512_037_720 + n),
        trades=2,
        taker_share=Decimal("0.5"),
    )


def a_book(n: int, coins: Sequence[str], changes: tuple[PositionChange, ...]) -> TraderPositions:
    return TraderPositions(
        address=f"0x{n % 500:040x}",
        sequence=n,
        as_of=NOON,
        full=not changes,
        positions=tuple(a_position(coin, n) for coin in coins),
        account_value=Decimal("1048576.25"),
        account_value_at=NOON,
        changes=changes,
    )


def one_change(n: int) -> TraderPositions:
    return a_book(n, COINS[:1], (a_change(n),))


def ten_positions(n: int) -> TraderPositions:
    return a_book(n, COINS, ())


def a_contribution(n: int) -> Contribution:
    return Contribution(
        address=f"0x{n:040x}",
        weight=0.8125,
        exposure=Decimal("125000.5"),
        effect=0.03125,
        dimensions={"performance": 0.75, "size": 0.5, "recency": 0.875, "regime": 1.0},
    )


def a_signal(n: int) -> Signal:
    return Signal(
        coin=COINS[n % 10],
        horizon_seconds=14_400,
        action="BUY",
        score=0.40625,
        probability_up=0.6015625,
        confidence=0.578125,
        calibrated=True,
        status="LIVE",
        as_of=NOON,
        valid_until=NOON + timedelta(hours=4),
        freshness_limit_seconds=120.0,
        voters=212,
        independent_voters=87.5,
        independence_method="merged accounts",
        scheme="score/100",
        arm="baseline",
        config_hash="9f86d081884c7d65",
        journal_position=n,
        prev_hash="2c26b46b68ffc68ff99b453c1d304134",
        hash="fcde2b2edba56bf408601fb721fe9b5c",
        reference_price=Decimal("66012.5"),
        reference_price_at=NOON,
        data_age_seconds=0.25,
        coverage=0.9375,
        net_exposure=Decimal("12500000.5"),
        long_exposure=Decimal("40250000.25"),
        short_exposure=Decimal("27749999.75"),
        contributions_for=tuple(map(a_contribution, range(5))),
        contributions_against=tuple(map(a_contribution, range(5))),
        gates=tuple(Gate(name=f"gate {g}", value=0.5, threshold=0.25, passed=True) for g in "abcd"),
    )


KINDS: dict[str, tuple[Callable[[int], Any], type[BaseModel]]] = {
    "trader_positions, 1 change": (one_change, TraderPositionsSchema),
    "trader_positions, 10 positions": (ten_positions, TraderPositionsSchema),
    "signals": (a_signal, SignalSchema),
}


# ── The contenders ───────────────────────────────────────────────────────────────────────────


class Contender(Protocol):
    """Publishes a round's events, then consumes them."""

    name: str
    share: float
    """Of the round's events; the slow ones get fewer, or they would take all the time."""

    async def publish(self, load: Load) -> None:
        """Send `load`."""
        ...

    async def consume(self, count: int) -> None:
        """Receive that many and acknowledge them."""
        ...


class Bare:
    """redis-py alone, or with msgspec and nothing else: what no decoding consumer can beat by much."""

    share = 1.0

    def __init__(self, redis: Redis, name: str, look: Callable[[bytes], object] | None) -> None:
        self.name = name
        self._redis = redis
        self._look = look

    async def publish(self, load: Load) -> None:
        """Add the ready bytes, one pipeline a batch."""
        for batch in load.batches():
            pipeline = self._redis.pipeline(transaction=False)
            for raw in batch.raws:
                pipeline.xadd("bare", {"event": raw})
            await pipeline.execute()

    async def consume(self, count: int) -> None:
        """Read and acknowledge batches."""
        await self._redis.xgroup_create("bare", "group", id="0")
        done = 0
        while done < count:
            reply: Any = await self._redis.xreadgroup("group", "me", {"bare": ">"}, BATCH, 1000)
            for stream, entries in reply:
                if self._look is not None:
                    _seen = [self._look(fields[b"event"]) for _, fields in entries]
                await self._redis.xack(stream, "group", *[entry for entry, _ in entries])
                done += len(entries)


class Ours:
    """The bus: encode and one script call; read ahead, decode, acknowledge."""

    name, share = "shared_events", 1.0

    def __init__(self, url: str, event_type: str) -> None:
        self._url = url
        self._type = event_type

    async def publish(self, load: Load) -> None:
        """Publish whole batches of events."""
        async with open_bus(self._url, consumer="me") as bus:
            for batch in load.batches():
                await bus.publish(batch.events)

    async def consume(self, count: int) -> None:
        """Take batches of decoded events and acknowledge them."""
        async with (
            open_bus(self._url, consumer="me") as bus,
            bus.subscribe("group", [self._type]) as subscription,
        ):
            done = 0
            while done < count:
                deliveries = await subscription.batch()
                await subscription.ack(deliveries)
                done += len(deliveries)


class FastStream:
    """FastStream with a handler that takes a pydantic model: one at a time, or lists of them."""

    def __init__(self, url: str, model: type[BaseModel], *, batch: bool) -> None:
        self.name = f"FastStream, {'batch mode' if batch else 'default handler'}"
        self.share = 0.25 if batch else 0.125
        self._url = url
        self._model = model
        self._batch = batch
        self._stream = f"faststream:{batch}"

    async def publish(self, load: Load) -> None:
        """Publish the ready bytes, one by one: it has no batches for streams."""
        async with RedisBroker(self._url, logger=SILENT) as broker:
            for raw in load.raws:
                await broker.publish(raw, stream=self._stream)

    async def consume(self, count: int) -> None:
        """Let it call a handler that counts."""
        broker = RedisBroker(self._url, logger=SILENT)
        source = StreamSub(
            self._stream, group="group", consumer="me", batch=self._batch, max_records=BATCH
        )
        finished = asyncio.Event()
        done = 0

        async def handle(body: Any) -> None:
            nonlocal done
            done += len(body) if self._batch else 1
            if done >= count:
                finished.set()

        model: Any = self._model
        handle.__annotations__["body"] = list[model] if self._batch else model
        broker.subscriber(stream=source)(handle)
        async with Redis.from_url(self._url) as redis:
            await redis.xgroup_create(self._stream, "group", id="0")
        async with broker:
            await broker.start()
            await finished.wait()


def contenders(url: str, kind: str, redis: Redis) -> list[Contender]:
    make, schema = KINDS[kind]
    struct: Any = type(make(1))
    model = envelope_of(schema)
    return [
        Bare(redis, BARE, None),
        Bare(redis, DECODING, msgspec.json.Decoder(StandardEvent[struct]).decode),
        Ours(url, struct.event_type),
        FastStream(url, model, batch=True),
        FastStream(url, model, batch=False),
    ]


def envelope_of(schema: type[BaseModel]) -> type[BaseModel]:
    """Return what a FastStream handler would declare."""
    return create_model(
        "Envelope",
        id=(str, ...),
        source=(str, ...),
        type=(str, ...),
        version=(int, ...),
        subject=(str, ...),
        time=(AwareDatetime, ...),
        recorded_at=(AwareDatetime, ...),
        correlation_id=(str, ...),
        causation_id=(str | None, None),
        tenant=(str, "public"),
        data=(schema, ...),
    )


# ── Measuring ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Measured:
    """One contender doing one thing in one round."""

    kind: str
    contender: str
    doing: str
    round: int
    events: int
    seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


async def measured(redis: Redis, count: int, work: Awaitable[None], **what: Any) -> Measured:
    server, client, started = await server_cpu(redis), time.process_time(), time.perf_counter()
    await work
    seconds = time.perf_counter() - started
    client = time.process_time() - client
    return Measured(
        events=count,
        seconds=seconds,
        client_cpu_seconds=client,
        server_cpu_seconds=await server_cpu(redis) - server,
        **what,
    )


async def server_cpu(redis: Redis) -> float:
    info = await redis.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


async def one_round(url: str, redis: Redis, kind: str, load: Load, number: int) -> list[Measured]:
    found: list[Measured] = []
    line_up = contenders(url, kind, redis)
    turn = number % len(line_up)
    for contender in line_up[turn:] + line_up[:turn]:
        await redis.flushall()
        gc.collect()
        count = int(len(load.events) * contender.share)
        what = {"kind": kind, "contender": contender.name, "round": number}
        publishing = contender.publish(load.first(count))
        found.append(await measured(redis, count, publishing, doing="publish", **what))
        consuming = contender.consume(count)
        found.append(await measured(redis, count, consuming, doing="consume", **what))
    return found


async def all_rounds(url: str, rounds: int, count: int, progress: Progress) -> list[Measured]:
    found: list[Measured] = []
    async with Redis.from_url(url) as redis:
        task = progress.add_task("rounds", total=rounds * len(KINDS))
        for kind, (make, _) in KINDS.items():
            events = [
                event(make(n), source="bench", time=NOON, recorded_at=NOON)
                for n in range(1, count + 1)
            ]
            load = Load(events, [encode(e) for e in events])
            settle()  # the garbage collector, as the services do once they are warm
            await one_round(url, redis, kind, load.first(2 * BATCH), 0)  # warm up
            for number in range(rounds):
                progress.update(task, description=kind)
                found += await one_round(url, redis, kind, load, number)
                progress.advance(task)
    return found


# ── Saying what came out ─────────────────────────────────────────────────────────────────────


def ratio(found: Sequence[Measured], kind: str, doing: str, one: str, other: str) -> float:
    """Return the median over the rounds of how many times faster `one` was than `other`."""
    rate = {(m.contender, m.round): m.rate for m in found if (m.kind, m.doing) == (kind, doing)}
    rounds = {m.round for m in found}
    return statistics.median(rate[one, n] / rate[other, n] for n in rounds)


def table(found: Sequence[Measured], kind: str, doing: str) -> Table:
    rows = [m for m in found if (m.kind, m.doing) == (kind, doing)]
    result = Table(title=f"{doing}: {kind}", title_justify="left")
    for column in ("", "events/s", "of bare", "client CPU us/event", "server CPU us/event"):
        result.add_column(column, justify="left" if not column else "right")
    for name in dict.fromkeys(m.contender for m in sorted(rows, key=lambda m: -m.rate)):
        of_name = [m for m in rows if m.contender == name]
        result.add_row(
            name,
            f"{statistics.median(m.rate for m in of_name):,.0f}",
            f"{ratio(found, kind, doing, name, BARE):.0%}",
            f"{statistics.median(m.client_cpu_seconds / m.events for m in of_name) * 1e6:.1f}",
            f"{statistics.median(m.server_cpu_seconds / m.events for m in of_name) * 1e6:.1f}",
        )
    return result


def verdicts(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return every aim with what was reached."""
    aims = [
        ("publish", BARE, 0.60),
        ("consume", BARE, 0.70),
        ("consume", "FastStream, batch mode", 4.0),
        ("consume", "FastStream, default handler", 15.0),
    ]
    result = []
    for kind in KINDS:
        for doing, beside, aim in aims:
            reached = ratio(found, kind, doing, Ours.name, beside)
            result.append(
                {"kind": kind, "doing": doing, "beside": beside, "aim": aim, "reached": reached}
            )
    return result


def ceilings(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return how near to bare any consumer could come that decodes, and how near to that we are."""
    return [
        {
            "kind": kind,
            "ceiling": ratio(found, kind, "consume", DECODING, BARE),
            "share": ratio(found, kind, "consume", Ours.name, DECODING),
        }
        for kind in KINDS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="also write everything that was measured here")
    options = parser.parse_args()
    binary = redis_on_path() or bundled_redis()
    if binary is None:
        parser.exit(1, "no redis-server: neither on PATH nor bundled\n")
    console = Console()
    console.print(f"Redis {'.'.join(map(str, redis_version(binary)))}, {options.rounds} rounds")
    with (
        RedisServer(binary, append_only=False) as server,
        Progress(console=console, transient=True) as progress,
    ):
        found = uvloop.run(all_rounds(server.url, options.rounds, options.events, progress))
    for kind in KINDS:
        for doing in ("publish", "consume"):
            console.print(table(found, kind, doing))
    for verdict in verdicts(found):
        mark = "met   " if verdict["reached"] >= verdict["aim"] else "MISSED"
        console.print(
            f"{mark} {verdict['doing']} {verdict['kind']}: {verdict['reached']:.2f} times"
            f" {verdict['beside']} (aim {verdict['aim']:.2f})",
            highlight=False,
        )
    for ceiling in ceilings(found):
        console.print(
            "at most consume {kind}: {ceiling:.2f} times bare is all that {DECODING} reaches;"
            " {Ours.name} has {share:.0%} of that".format(DECODING=DECODING, Ours=Ours, **ceiling),
            highlight=False,
        )
    if options.json is not None:
        document = {
            "verdicts": verdicts(found),
            "ceilings": ceilings(found),
            "measured": [asdict(m) for m in found],
        }
        options.json.write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
