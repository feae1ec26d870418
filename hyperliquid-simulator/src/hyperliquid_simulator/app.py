"""Composition root: a world, the protocol around it, and what makes both move."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from time import monotonic

from aiohttp import web

from hyperliquid_simulator.clock import SteppedClock, WallClock
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.driver import Engine, Stepper, follow
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.operator import Operator
from hyperliquid_simulator.protocol.desk import InfoDesk
from hyperliquid_simulator.protocol.faults import Faults, read_faults
from hyperliquid_simulator.protocol.limits import Limits
from hyperliquid_simulator.protocol.posts import Posts
from hyperliquid_simulator.protocol.ranking import Ranking
from hyperliquid_simulator.protocol.rest import Rest
from hyperliquid_simulator.protocol.websocket import Hub
from hyperliquid_simulator.world.world import World


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue as an application, and the parts of it that a test of its own may look at."""

    app: web.Application
    world: World
    limits: Limits
    faults: Faults
    stepper: Stepper | None

    async def step(self, seconds: float) -> int:
        """Let venue time pass and return how many blocks that took.

        Raises
        ------
        ConfigError
            If the venue follows the wall's time.
        """
        if self.stepper is None:
            raise ConfigError("this venue moves by itself; only one that is stepped can be moved.")
        return await self.stepper.step(seconds)


def build(config: Config, on_crash: Callable[[], None] | None = None) -> Venue:
    """Return a venue; its world starts to move when its application is run.

    ``on_crash`` is called if the world stops moving although nobody asked for that; the error
    comes out of the application's cleanup.
    """
    planned = read_faults(config.faults) if config.faults else []
    start_ms, began = config.start_ms, monotonic()
    world = World(config, start_ms)
    clock = _clock(config, start_ms, began)
    faults = Faults(planned, clock.elapsed, world)
    limits = Limits(clock.elapsed, enforced=config.limits, users=config.max_users)
    desk = InfoDesk(world, limits, faults)
    posts = Posts(desk, limits, clock)
    hub = Hub(world, limits, faults, posts, clock, config.socket_lifetime)
    ranking = Ranking(world)
    engine = Engine(world, hub, ranking, faults, clock)
    engine.suffer()
    stepper = Stepper(engine, clock) if isinstance(clock, SteppedClock) else None
    app = _application(Rest(desk, ranking), hub, Operator(engine, limits, faults, stepper))
    if isinstance(clock, WallClock):
        app.cleanup_ctx.append(_moving(engine, clock, on_crash))
    return Venue(app, world, limits, faults, stepper)


@asynccontextmanager
async def serving(venue: Venue) -> AsyncIterator[str]:
    """Serve a venue on a free loopback port and yield its base URL."""
    runner = web.AppRunner(venue.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[str]:
    """Build a venue, serve it on a free loopback port and yield its base URL."""
    async with serving(build(replace(config, port=0))) as base_url:
        yield base_url


def _clock(config: Config, start_ms: int, began: float) -> WallClock | SteppedClock:
    """Return a clock that starts now, or when the build began if the venue lives in the present."""
    if config.stepped:
        return SteppedClock(start_ms)
    return WallClock(start_ms, config.speed, began if config.start is None else monotonic())


def _application(rest: Rest, hub: Hub, operator: Operator) -> web.Application:
    app = web.Application(client_max_size=64 * 1024)
    app.add_routes(
        [
            web.post("/info", rest.info),
            web.get("/leaderboard", rest.leaderboard),
            web.get("/Mainnet/leaderboard", rest.leaderboard),
            web.get("/ws", hub.serve),
            *operator.routes(),
        ]
    )

    async def close(_app: web.Application) -> None:
        hub.drop("down")

    app.on_shutdown.append(close)
    return app


def _moving(
    engine: Engine, clock: WallClock, on_crash: Callable[[], None] | None
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return what moves the world for as long as an application runs."""

    async def moving(_app: web.Application) -> AsyncIterator[None]:
        driver = asyncio.create_task(follow(engine, clock))
        if on_crash is not None:
            driver.add_done_callback(lambda task: task.cancelled() or on_crash())
        yield
        driver.cancel()
        with suppress(asyncio.CancelledError):
            await driver

    return moving
