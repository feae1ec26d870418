"""What makes the world move: the wall's time, or a test that asks for the next seconds."""

import asyncio
from typing import Final

from hyperliquid_simulator.clock import Clock, SteppedClock, WallClock
from hyperliquid_simulator.lateness import Lateness
from hyperliquid_simulator.protocol.failures import Effect
from hyperliquid_simulator.protocol.faults import Faults
from hyperliquid_simulator.protocol.ranking import Ranking
from hyperliquid_simulator.protocol.websocket import Hub
from hyperliquid_simulator.world.world import Block, World

SLICE_S: Final = 0.004
"""Work on blocks at most this long before requests get their turn."""

HOPELESS_MS: Final = 5_000.0
"""A world that is so late leaves blocks out, as after a suspended machine."""

TEND_S: Final = 0.2


class Engine:
    """Runs one block after the other, as the faults of the moment want it."""

    def __init__(
        self, world: World, hub: Hub, ranking: Ranking, faults: Faults, clock: Clock
    ) -> None:
        self.world = world
        self.hub = hub
        self._ranking = ranking
        self._faults = faults
        self.lateness = Lateness()
        self._clock = clock
        self._tended = 0.0

    def block(self) -> Block:
        """Run the next block, publish it and return it."""
        self.suffer()
        block = self.world.step()
        self.hub.publish(block)
        return block

    def suffer(self) -> None:
        """Let faults begin and end, and break or mend what they are about."""
        faults, world = self._faults, self.world
        faults.advance()
        world.stand_still(still=faults.has(Effect.STATE_STALLED))
        world.stamp_ahead = faults.has(Effect.STATE_STAMPED_AHEAD)
        if faults.skew_ms > self._clock.skew_ms:
            world.skip_to(world.next_ms + faults.skew_ms - self._clock.skew_ms)
        self._clock.skew_ms = faults.skew_ms
        if faults.has(Effect.NO_SOCKETS):
            self.hub.drop("dropped")

    def tend(self) -> None:
        """Now and then end the sockets whose time has come, begin the ranking of a new hour, and fill in candles."""
        if self._clock.waited() - self._tended >= TEND_S:
            self._tended = self._clock.waited()
            self.hub.tend()
            self.world.board.prepare()
            self._ranking.renew()


async def follow(engine: Engine, clock: WallClock) -> None:
    """Run the blocks that are due, then sleep until the next, for ever."""
    world, loop = engine.world, asyncio.get_running_loop()

    def handed_over(block: Block) -> None:
        late = (clock.now_ms() - block.time) / clock.speed
        engine.lateness.note(late, len(block.trades))

    while True:
        begun = clock.waited()
        engine.tend()
        if clock.now_ms() - world.next_ms > HOPELESS_MS * max(clock.speed, 1.0):
            world.skip_to(clock.now_ms())
        while world.next_ms <= clock.now_ms() and clock.waited() - begun < SLICE_S:
            loop.call_soon(handed_over, engine.block())
        await asyncio.sleep(clock.seconds_until(world.next_ms))


class Stepper:
    """Lets venue time pass on request, block by block, one request after the other."""

    def __init__(self, engine: Engine, clock: SteppedClock) -> None:
        self._engine = engine
        self._clock = clock
        self._turn = asyncio.Lock()

    async def step(self, seconds: float) -> int:
        """Run every block of the next seconds of venue time; returns how many there were."""
        async with self._turn:
            blocks, left = 0, seconds
            while (wait := self._clock.seconds_until(self._engine.world.next_ms)) <= left:
                left -= wait
                self._clock.pass_by(wait)
                self._engine.tend()
                self._engine.block()
                blocks += 1
                await self._engine.hub.room()
            self._clock.pass_by(left)
            self._engine.suffer()
            self._engine.tend()
            return blocks
