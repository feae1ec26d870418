"""What has to run, decided before anything does: options and surroundings in, parts out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

MAINNET: Final = "https://api.hyperliquid.xyz"
DEMO_SEED: Final = 7
DEMO_HISTORY_DAYS: Final = 180
DEMO_TRADERS: Final = 300
DEMO_ROSTER: Final = 80
"""How many of them are followed: the better ones, so that what the skilled hold is heard."""
DEMO_FLIP_SECONDS: Final = 15
"""How often the skilled traders turn, on average, on one of the demo's twelve coins."""

REDIS: Final = "redis"
SIMULATOR: Final = "simulator"
SCRAPER: Final = "market-scraper"
SIGNALS: Final = "signal-system"

_SOCKET_ROOM = 100  # sun_path holds 108 bytes


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for."""

    demo: bool = False
    exchange: str | None = None
    port: int = 4341
    scraper_port: int = 4340
    max_traders: int | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What this machine offers.

    ``configured_bus`` is the Redis that the settings name; None to start one with `redis_server`,
    on a socket if its path is short enough, else on `redis_port`.
    """

    var: Path
    bin: Path
    redis_server: Path
    redis_port: int
    simulator_port: int
    configured_bus: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One process: how to start it, how to see that it is up, how long it may take to stop.

    ``ready`` is a URL that answers 200, or a Redis URL that answers a ping. A `status` URL says how
    far a start has come.
    """

    name: str
    command: tuple[str, ...]
    where: str
    ready: str
    status: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 60.0
    stop_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts in starting order, later ones needing earlier ones, and where they meet."""

    venue: str
    exchange: str
    bus: str
    folder: Path
    api: str
    parts: tuple[Part, ...]


def plan(options: Options, around: Surroundings) -> Plan:
    """Return what `options` come to here.

    Every venue has a folder and, unless one is configured, a Redis of its own: what the simulator
    invents never meets what an exchange said.
    """
    exchange = exchange_url(options, around)
    venue = venue_name(options, exchange)
    folder = around.var / venue
    redis = _redis(around, folder)
    bus = around.configured_bus or redis.ready
    api = f"http://127.0.0.1:{options.port}"
    return Plan(
        venue=venue,
        exchange=exchange,
        bus=bus,
        folder=folder,
        api=api,
        parts=(
            *(() if around.configured_bus else (redis,)),
            *((_simulator(around),) if options.demo else ()),
            _signal_system(options, around, folder, bus),
            _scraper(options, around, folder, (exchange, bus)),
        ),
    )


def exchange_url(options: Options, around: Surroundings) -> str:
    """Return the venue to follow: the simulator, the one asked for, the configured one, mainnet."""
    if options.demo:
        return f"http://127.0.0.1:{around.simulator_port}"
    configured = around.settings.get("MARKET_SCRAPER_EXCHANGE_URL")
    return (options.exchange or configured or MAINNET).rstrip("/")


def venue_name(options: Options, exchange: str) -> str:
    """Return the name of the venue's folder.

    Examples
    --------
    >>> venue_name(Options(), "https://api.hyperliquid.xyz")
    'api.hyperliquid.xyz'
    >>> venue_name(Options(), "http://127.0.0.1:18777")
    '127.0.0.1-18777'
    >>> venue_name(Options(demo=True), "http://127.0.0.1:18777")
    'demo'
    """
    return (
        "demo" if options.demo else urlsplit(exchange).netloc.rpartition("@")[2].replace(":", "-")
    )


def _redis(around: Surroundings, folder: Path) -> Part:
    data = folder / "redis"
    socket = data / "redis.sock"
    private = len(bytes(socket)) <= _SOCKET_ROOM
    listen = (
        ("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700")
        if private
        else ("--port", str(around.redis_port), "--bind", "127.0.0.1")
    )
    url = f"unix://{socket}" if private else f"redis://127.0.0.1:{around.redis_port}/0"
    return Part(
        name=REDIS,
        command=(
            *(str(around.redis_server), *listen, "--dir", str(data), "--daemonize", "no"),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ),
        where=str(socket) if private else f"127.0.0.1:{around.redis_port}",
        ready=url,
    )


def _simulator(around: Surroundings) -> Part:
    url = f"http://127.0.0.1:{around.simulator_port}"
    return Part(
        name=SIMULATOR,
        command=(
            *(str(around.bin / "hyperliquid-simulator"), "serve"),
            *("--port", str(around.simulator_port), "--seed", str(DEMO_SEED)),
            *("--traders", str(DEMO_TRADERS), "--history", str(DEMO_HISTORY_DAYS)),
            *("--flip-seconds", str(DEMO_FLIP_SECONDS)),
        ),
        where=url,
        ready=f"{url}/simulator/truth",
        start_seconds=180.0,
    )


def _scraper(options: Options, around: Surroundings, folder: Path, route: tuple[str, str]) -> Part:
    exchange, bus = route
    roster = options.max_traders or (DEMO_ROSTER if options.demo else None)
    url = f"http://127.0.0.1:{options.scraper_port}"
    return Part(
        name=SCRAPER,
        command=(str(around.bin / "market-scraper"), "run", "--exchange", exchange, "--bus", bus),
        where=url,
        ready=f"{url}/health/live",
        status=f"{url}/api/v1/status",
        settings=_unless_set(
            around, MARKET_SCRAPER_STORAGE_URL=f"sqlite:///{folder / 'market-scraper.db'}"
        )
        | {"MARKET_SCRAPER_API_PORT": str(options.scraper_port)}
        | ({"MARKET_SCRAPER_MAX_TRADERS": str(roster)} if roster else {}),
    )


def _signal_system(options: Options, around: Surroundings, folder: Path, bus: str) -> Part:
    url = f"http://127.0.0.1:{options.port}"
    return Part(
        name=SIGNALS,
        command=(str(around.bin / "signal-system"), "run"),
        where=url,
        ready=f"{url}/health/live",
        status=f"{url}/api/v1/status",
        settings=_unless_set(around, SIGNAL_SYSTEM_DATA_DIR=str(folder / "signal-system"))
        | {"SIGNAL_SYSTEM_BUS_URL": bus, "SIGNAL_SYSTEM_API_PORT": str(options.port)},
    )


def _unless_set(around: Surroundings, **defaults: str) -> dict[str, str]:
    return {name: value for name, value in defaults.items() if name not in around.settings}
