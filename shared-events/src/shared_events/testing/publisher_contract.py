"""What every publisher promises, as tests.

Subclass `PublisherContract` in a test module and provide the two fixtures.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from shared_events.bus.port import Publisher
from shared_events.envelope import StandardEvent
from shared_events.testing.factories import a_market_context, an_event, trader_positions

Received = Callable[[], Awaitable[Sequence[StandardEvent[Any]]]]


class PublisherContract:
    """Whatever carries the events away."""

    @pytest.fixture
    def publisher(self) -> Publisher:
        """Provide the publisher."""
        raise NotImplementedError

    @pytest.fixture
    def received(self) -> Received:
        """Provide a way to ask for all ``trader_positions`` and ``market_contexts`` so far."""
        raise NotImplementedError

    async def test_it_answers_a_ping(self, publisher: Publisher) -> None:
        """A bus that is there says so."""
        await publisher.ping()

    async def test_an_event_arrives_as_it_was(
        self, publisher: Publisher, received: Received
    ) -> None:
        """Every field survives the journey."""
        event = an_event()

        await publisher.publish([event])

        assert await received() == [event]

    async def test_the_order_of_a_batch_and_of_batches_is_kept(
        self, publisher: Publisher, received: Received
    ) -> None:
        """Events of one type arrive as they were published."""
        events = [an_event(trader_positions(sequence=n)) for n in range(9)]

        await publisher.publish(events[:4])
        await publisher.publish(events[4:])

        assert await received() == events

    async def test_a_batch_may_hold_several_types(
        self, publisher: Publisher, received: Received
    ) -> None:
        """Each event reaches the stream of its type."""
        events = [an_event(), an_event(a_market_context())]

        await publisher.publish(events)

        assert {event.type for event in await received()} == {"trader_positions", "market_contexts"}

    async def test_a_long_batch_arrives_whole(
        self, publisher: Publisher, received: Received
    ) -> None:
        """No limit of the carrier cuts a batch short."""
        events = [an_event(trader_positions(sequence=n)) for n in range(1201)]

        await publisher.publish(events)

        assert await received() == events

    async def test_an_empty_batch_is_nothing(
        self, publisher: Publisher, received: Received
    ) -> None:
        """Publishing nothing is allowed and does nothing."""
        await publisher.publish([])

        assert await received() == []

    async def test_a_batch_with_something_that_is_no_fact_is_refused_whole(
        self, publisher: Publisher, received: Received
    ) -> None:
        """All or nothing: the good event before the bad one is not published either."""
        good = an_event()
        bad = an_event(trader_positions(sequence=2, positions=(object(),)))

        with pytest.raises(TypeError):
            await publisher.publish([good, bad])

        assert await received() == []

    async def test_publishing_again_repeats_the_same_ids(
        self, publisher: Publisher, received: Received
    ) -> None:
        """A retry after an unknown outcome is harmless: consumers know the events by id."""
        events = [an_event(trader_positions(sequence=n)) for n in range(3)]

        await publisher.publish(events)
        await publisher.publish(events)

        assert {event.id for event in await received()} == {event.id for event in events}
