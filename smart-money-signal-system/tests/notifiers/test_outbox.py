import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from msgspec import json
from pydantic import SecretStr

from shared_events.runtime.clock import Clock, ManualClock, SystemClock
from shared_events.testing.factories import NOON
from signal_system.notifiers.choosing import Choice
from signal_system.notifiers.notice import Notice
from signal_system.notifiers.outbox import Outbox
from signal_system.notifiers.port import DeliveryError, Notifier
from signal_system.notifiers.receivers import Receiver, WebhookReceiver
from signal_system.notifiers.webhook import Webhook, open_session
from signal_system.storage.port import Place
from signal_system.storage.sqlite_outbox import SqliteOutbox
from signal_system.testing.hooks import SECRET, Inbox, receiving

BEGIN = Place(0, -1)


def alert(n: int) -> tuple[Place, bytes]:
    data = {"rule": "large_open", "severity": "HIGH", "message": f"{n}", "at": NOON, "coin": "BTC"}
    return Place(n, 0), json.encode({"id": f"alert-{n}", "type": "whale_alerts", "data": data})


class Hasty(SystemClock):
    """The machine's clock for whoever cannot wait."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 100)


class Issued:
    """A feed that grows when told to."""

    def __init__(self, *events: tuple[Place, bytes]) -> None:
        self.events = list(events)
        self._news = asyncio.Event()

    def add(self, *events: tuple[Place, bytes]) -> None:
        self.events += events
        self._news.set()

    async def after(self, place: Place) -> Sequence[tuple[Place, bytes]]:
        return [event for event in self.events if event[0] > place][:3]

    async def following(self, place: Place) -> Sequence[tuple[Place, bytes]]:
        while not (found := await self.after(place)):
            self._news.clear()
            await self._news.wait()
        return found


class Scripted:
    """A notifier that fails as it is told to, then takes everything."""

    batch = 20

    def __init__(self, *failures: DeliveryError, holds: float = 0.0) -> None:
        self._failures, self._holds = list(failures), holds
        self.told: list[list[str]] = []

    def hold(self, now: datetime) -> float:
        return self._holds

    async def send(self, notices: Sequence[Notice]) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.told.append([notice.id for notice in notices])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteOutbox]:
    kept = SqliteOutbox.open(tmp_path / "signals.db")
    yield kept
    kept.close()


def outbox(
    notifier: Notifier, feed: Issued, ledger: SqliteOutbox, clock: Clock, attempts: int = 30
) -> Outbox:
    return Outbox(
        "bot",
        notifier,
        Choice(Receiver(), lambda _: None),
        feed=feed,
        ledger=ledger,
        clock=clock,
        attempts=attempts,
        chance=Random(1),
    )


@asynccontextmanager
async def running(box: Outbox, end: Place = BEGIN) -> AsyncIterator[None]:
    """Run `box` until the context ends, which for it is a kill."""
    task = asyncio.create_task(box.run(end))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def webhook(port: int) -> AsyncIterator[Webhook]:
    receiver = WebhookReceiver(
        url=SecretStr(f"http://127.0.0.1:{port}/hook"),
        secret=SecretStr(SECRET),
        allow_http=True,
        allow_private=True,
    )
    async with open_session(receiver) as session:
        yield Webhook(receiver, session, SystemClock())


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_waits_grow_while_a_receiver_fails_and_what_it_asks_for_counts(
    ledger: SqliteOutbox,
) -> None:
    clock, later = ManualClock(NOON), DeliveryError("answered 429", retry_after=77)
    failing = Scripted(DeliveryError("away"), DeliveryError("away"), later)

    async with running(outbox(failing, Issued(alert(1)), ledger, clock)):
        await eventually(lambda: len(ledger.deliveries("bot", 9)) == 4)

    first, second, asked = clock.slept
    assert 0.5 <= first <= 1 <= second <= 2
    assert asked == 77
    assert [each.failure for each in ledger.deliveries("bot", 9)] == [
        None,
        "answered 429",
        "away",
        "away",
    ]


async def test_a_receiver_that_never_answers_is_given_up_and_told_everything_after_a_restart(
    ledger: SqliteOutbox,
) -> None:
    feed, clock = Issued(alert(1), alert(2)), ManualClock(NOON)
    away = Scripted(*[DeliveryError("away")] * 9)
    await outbox(away, feed, ledger, clock, attempts=3).run(BEGIN)  # it returns: given up
    assert len(ledger.deliveries("bot", 99)) == 2 * 3

    back = Scripted()
    async with running(outbox(back, feed, ledger, clock), Place(3, -1)):
        await eventually(lambda: back.told)

    assert back.told == [["alert-1", "alert-2"]]


async def test_a_new_receiver_is_told_nothing_of_the_past_and_nothing_less_after_a_kill(
    ledger: SqliteOutbox,
) -> None:
    feed, clock, notifier = Issued(alert(1)), ManualClock(NOON), Scripted()
    async with running(outbox(notifier, feed, ledger, clock), Place(2, -1)):
        await eventually(lambda: ledger.cursor("bot") is not None)
    feed.add(alert(2))

    async with running(outbox(notifier, feed, ledger, clock), Place(3, -1)):
        await eventually(lambda: notifier.told)

    assert notifier.told == [["alert-2"]]


async def test_a_journal_that_lost_its_end_loses_no_later_alert(ledger: SqliteOutbox) -> None:
    ledger.move("bot", Place(900, 0))
    feed, notifier = Issued(alert(5)), Scripted()

    async with running(outbox(notifier, feed, ledger, ManualClock(NOON)), Place(5, -1)):
        await eventually(lambda: notifier.told)

    assert notifier.told == [["alert-5"]]


async def test_a_digest_collects_everything_that_comes_while_it_waits(
    ledger: SqliteOutbox,
) -> None:
    feed, notifier = Issued(*map(alert, range(1, 9))), Scripted(holds=60)
    clock = ManualClock(NOON)

    async with running(outbox(notifier, feed, ledger, clock)):
        await eventually(lambda: notifier.told)

    assert notifier.told == [[f"alert-{n}" for n in range(1, 9)]]
    assert clock.slept == [60]


async def test_nothing_is_lost_or_doubled_while_both_sides_are_killed(
    ledger: SqliteOutbox,
) -> None:
    """Five lives of the service and of the receiver, cut off wherever they happen to be."""
    inbox, feed, random = Inbox(), Issued(), Random(7)
    async with receiving(inbox) as port:
        pass
    for life in range(5):
        feed.add(*map(alert, range(life * 20 + 1, life * 20 + 21)))
        async with AsyncExitStack() as stack:
            hook = await stack.enter_async_context(webhook(port))
            await stack.enter_async_context(running(outbox(hook, feed, ledger, Hasty())))
            async with receiving(inbox, port):
                seen = len(inbox.kept) + random.randint(3, 15)
                await eventually(lambda: len(inbox.kept) >= seen)  # noqa: B023 -- awaited here
            await asyncio.sleep(0.01)  # the receiver is gone, the service goes on trying
    async with (
        receiving(inbox, port),
        webhook(port) as hook,
        running(outbox(hook, feed, ledger, Hasty())),
    ):
        await eventually(lambda: len(inbox.kept) == 100)

    assert list(inbox.kept) == [f"alert-{n}" for n in range(1, 101)]
    assert inbox.forged == 0


async def test_a_receiver_that_took_it_and_said_otherwise_gets_the_same_id_again(
    ledger: SqliteOutbox,
) -> None:
    inbox = Inbox(answers=[503])
    async with (
        receiving(inbox) as port,
        webhook(port) as hook,
        running(outbox(hook, Issued(alert(1)), ledger, ManualClock(NOON))),
    ):
        await eventually(lambda: inbox.kept)

    assert inbox.keys == ["alert-1", "alert-1"]
    assert [each["text"] for each in inbox.kept.values()] == ["HIGH large_open (BTC): 1"]


async def test_a_receiver_that_hangs_keeps_nobody_else_waiting(ledger: SqliteOutbox) -> None:
    class Hanging(Scripted):
        async def send(self, notices: Sequence[Notice]) -> None:
            await asyncio.Event().wait()

    feed, quick = Issued(alert(1)), Scripted()
    async with (
        running(outbox(Hanging(), feed, ledger, Hasty())),
        running(outbox(quick, feed, ledger, Hasty())),
    ):
        await eventually(lambda: quick.told)

    assert quick.told == [["alert-1"]]
