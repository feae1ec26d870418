"""The one loop that turns what a handler raises into what becomes of its events."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TypeVar

import structlog

from shared_events.bus.patience import BACKOFF, Backoff, patiently
from shared_events.bus.port import Delivery, Subscription
from shared_events.errors import DataError, TransientError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

T = TypeVar("T")
Handle = Callable[[Sequence[Delivery]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ConsumerPolicy:
    """When to try again and when to give up.

    A `TransientError` is met by trying the same batch again, `tries_in_place` times in all, because
    a batch that comes back later comes after its successors. An event that was handed out
    `max_attempts` times goes to the dead letters.
    """

    max_attempts: int = 10
    tries_in_place: int = 3
    backoff: Backoff = BACKOFF


async def consume(
    subscription: Subscription,
    handle: Handle,
    *,
    clock: Clock,
    policy: ConsumerPolicy | None = None,
    chance: Random | None = None,
) -> None:
    """Hand whole batches to `handle` until cancelled.

    What `handle` returns from is acknowledged. What it raises decides otherwise:

    * `TransientError`: wait and try again; if that does not help, the batch stays unsettled and
      comes back later, and the loop goes on.
    * `DataError`: the events are tried one by one, and the guilty one goes to the dead letters.
    * anything else is a bug and ends the loop; nothing of the batch has been acknowledged.

    While the bus is away the loop waits and reconnects. `handle` may see an event twice: its `id`
    tells.
    """
    loop = _Loop(
        subscription,
        handle,
        clock,
        policy or ConsumerPolicy(),
        chance or Random(),  # noqa: S311 -- spreads retries, guards nothing
    )
    while True:
        deliveries = await loop.patiently(subscription.batch)
        deliveries = await loop.without_worn_out(deliveries)
        if deliveries:
            await loop.settle(deliveries)


@dataclass(slots=True)
class _Loop:
    subscription: Subscription
    handle: Handle
    clock: Clock
    policy: ConsumerPolicy
    chance: Random
    failures: int = 0

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns, however long the bus is away."""
        return await patiently(
            call, clock=self.clock, backoff=self.policy.backoff, chance=self.chance
        )

    async def without_worn_out(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Reject what has been handed out too often; return the rest."""
        most = self.policy.max_attempts
        for delivery in deliveries:
            if delivery.attempt > most:
                await self.reject(delivery, f"gave up after {most} attempts")
        return [delivery for delivery in deliveries if delivery.attempt <= most]

    async def settle(self, deliveries: Sequence[Delivery]) -> bool:
        """Handle `deliveries` and settle them; return whether that was possible."""
        for _ in range(self.policy.tries_in_place):
            try:
                await self.handle(deliveries)
            except TransientError as e:
                await self._wait(e)
            except DataError as e:
                return await self._one_by_one(deliveries, e)
            else:
                self.failures = 0
                await self.patiently(partial(self.subscription.ack, deliveries))
                return True
        log.warning("batch_postponed", events=len(deliveries), attempt=deliveries[0].attempt)
        return False

    async def reject(self, delivery: Delivery, reason: str) -> None:
        """Move `delivery` to the dead letters."""
        event = delivery.event
        log.error("event_rejected", event_type=event.type, event_id=event.id, reason=reason)
        await self.patiently(partial(self.subscription.reject, delivery, reason))

    async def _one_by_one(self, deliveries: Sequence[Delivery], error: DataError) -> bool:
        if len(deliveries) == 1:
            await self.reject(deliveries[0], str(error))
            return True
        for delivery in deliveries:
            if not await self.settle([delivery]):
                return False  # the rest waits with it, in its order
        return True

    async def _wait(self, error: TransientError) -> None:
        self.failures += 1
        wait = max(self.policy.backoff.wait(self.failures, self.chance), error.retry_after or 0.0)
        log.warning("handler_waits", wait=round(wait, 2), reason=str(error))
        await self.clock.sleep(wait)
