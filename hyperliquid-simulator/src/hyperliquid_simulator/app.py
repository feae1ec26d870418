"""Composition root: a world, the protocol around it, and the clock that drives both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from aiohttp import web

from hyperliquid_simulator.clock import VenueClock
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.desk import InfoDesk
from hyperliquid_simulator.faults import Faults, read_faults
from hyperliquid_simulator.limits import Limits
from hyperliquid_simulator.operator import Operator
from hyperliquid_simulator.posts import Posts
from hyperliquid_simulator.rest import Rest
from hyperliquid_simulator.websocket import Hub
from hyperliquid_simulator.world import World

SLICE_S: Final = 0.004
"""Work on blocks at most this long before requests get their turn."""

HOPELESS_MS: Final = 5_000.0
TEND_S: Final = 0.2

WORLD: Final = web.AppKey("world", World)


def build(config: Config) -> web.Application:
    """Return the venue as an application; its world starts to move when the application does."""
    planned = read_faults(config.faults) if config.faults else []
    clock = VenueClock(config.start_ms, config.speed)
    world = World(config, round(clock.start_ms))
    if config.start is not None:
        clock = VenueClock(clock.start_ms, config.speed)
    faults = Faults(planned)
    limits = Limits(clock.elapsed, enforced=config.limits)
    desk = InfoDesk(world, limits, faults, clock.elapsed)
    posts = Posts(desk, limits)
    hub = Hub(world, limits, faults, posts, clock.elapsed, config.socket_lifetime)
    rest = Rest(world, desk)
    app = web.Application(client_max_size=64 * 1024)
    app[WORLD] = world
    app.add_routes(
        [
            web.post("/info", rest.info),
            web.get("/leaderboard", rest.leaderboard),
            web.get("/Mainnet/leaderboard", rest.leaderboard),
            web.get("/ws", hub.serve),
            *Operator(world, limits, faults, clock.elapsed).routes(),
        ]
    )

    async def close(_app: web.Application) -> None:
        hub.close()

    async def alive(_app: web.Application) -> AsyncIterator[None]:
        driver = asyncio.create_task(_drive(world, hub, faults, clock))
        yield
        driver.cancel()

    app.on_shutdown.append(close)
    app.cleanup_ctx.append(alive)
    return app


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[str]:
    """Serve a venue on a free loopback port and yield its base URL."""
    runner = web.AppRunner(build(replace(config, port=0)), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _drive(world: World, hub: Hub, faults: Faults, clock: VenueClock) -> None:
    """Run the blocks that are due, publish each, and sleep until the next."""
    tended = 0.0
    while True:
        world.stand_still(still=faults.state_stalled(clock.elapsed()))
        if clock.now_ms() - world.next_ms > HOPELESS_MS * max(clock.speed, 1.0):
            world.skip_to(clock.now_ms())
        begun = clock.elapsed()
        while world.next_ms <= clock.now_ms() and clock.elapsed() - begun < SLICE_S:
            hub.publish(world.step())
        if begun - tended > TEND_S:
            tended = begun
            hub.tend()
        await asyncio.sleep(clock.seconds_until(world.next_ms))
