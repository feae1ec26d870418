"""The leaderboard file: written ahead, a little at a time, and replaced in one step."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import orjson

from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.world.performance import Leaderboard, Standing
from hyperliquid_simulator.world.world import World

ROWS_AT_A_TIME: Final = 50
"""Rows written before a block or a request gets its turn: less than two milliseconds."""

HEAD: Final = b'{\n  "leaderboardRows": [\n'
BETWEEN: Final = b",\n"
TAIL: Final = b"\n  ]\n}"


class Ranking:
    """How everybody stood at the last full hour of venue time, as bytes.

    The file is indented: 25 MB at thirty thousand rows, as the venue's was measured.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._hour: int | None = None
        self._writing: asyncio.Task[tuple[bytes, ...]] | None = None

    def renew(self) -> asyncio.Task[tuple[bytes, ...]]:
        """Begin the file of the last full hour if that has not been done, and return its writing.

        What is written belongs to one moment, however long the writing takes.
        """
        latest = self._world.history.latest()
        if self._writing is None or self._hour != latest.time:
            self._hour = latest.time
            self._writing = asyncio.create_task(self._written(latest))
        return self._writing

    async def pieces(self) -> Sequence[bytes]:
        """Return the file of the last full hour in pieces; waits until it is written."""
        return await asyncio.shield(self.renew())

    async def _written(self, hour: Standing) -> tuple[bytes, ...]:
        found = []
        for piece in written(self._world.history.leaderboard(hour, self._world.population)):
            found.append(piece)
            await asyncio.sleep(0)
        return tuple(found)


def written(leaderboard: Leaderboard) -> Iterator[bytes]:
    """Yield the file of a ranking in pieces, none of which takes long."""
    rows = leaderboard.rows()
    before = HEAD
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        yield before + _indented(some)
        before = BETWEEN
    yield TAIL


def _indented(rows: Sequence[Json]) -> bytes:
    r"""Return rows as they stand in the indented file, without what is around them.

    Examples
    --------
    >>> _indented([{"prize": 0}])
    b'    {\n      "prize": 0\n    }'
    """
    whole = orjson.dumps({"leaderboardRows": rows}, option=orjson.OPT_INDENT_2)
    return whole[len(HEAD) : -len(TAIL)]
