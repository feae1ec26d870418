"""Several streams into one, in the order in which things became known."""

from collections import deque
from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heapreplace

from shared_events.bus.port import Delivery

Lanes = Mapping[str, deque[Delivery]]


def merged(lanes: Lanes, more: Collection[str], limit: int) -> list[Delivery]:
    """Take up to `limit` deliveries off `lanes`, by `recorded_at`, each lane in its own order.

    A lane in `more` has not been read to its end: once it is empty nothing further is taken, for
    what comes next in it may be older than what waits in the others. So a consumer that catches up
    on hours of several types goes through them in time order, not type by type.
    """
    waiting = [name for name, lane in lanes.items() if lane]
    if not all(lanes[name] for name in more):
        return []
    if len(waiting) == 1:
        return _taken(lanes[waiting[0]], limit)
    heads = [(lanes[name][0].event.recorded_at, n, name) for n, name in enumerate(waiting)]
    heapify(heads)
    taken: list[Delivery] = []
    while heads and len(taken) < limit:
        _, n, name = heads[0]
        lane = lanes[name]
        taken.append(lane.popleft())
        if lane:
            heapreplace(heads, (lane[0].event.recorded_at, n, name))
        elif name in more:
            break
        else:
            heappop(heads)
    return taken


def _taken(lane: deque[Delivery], limit: int) -> list[Delivery]:
    if len(lane) > limit:
        return [lane.popleft() for _ in range(limit)]
    taken = list(lane)
    lane.clear()
    return taken
