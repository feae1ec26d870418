"""The whole system as real processes, for tests and benchmarks that kill and measure it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from shared_events.testing.servers import RedisServer

PATIENCE = 45.0
"""Seconds a part may take: generous, because nothing here measures time."""


class StackError(Exception):
    """A part did not do what it should; the message says which and shows its last words."""


Probe = Callable[[], Awaitable[Any]]


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(probe: Probe, what: str, patience: float = PATIENCE) -> Any:
    """Ask `probe` until it answers something true; services that are still away count as no."""
    deadline = asyncio.get_running_loop().time() + patience
    while asyncio.get_running_loop().time() < deadline:
        try:
            answer = await probe()
        except (aiohttp.ClientError, TimeoutError):
            answer = None
        if answer:
            return answer
        await asyncio.sleep(0.02)
    raise StackError(f"waited {patience:g} s in vain for {what}")


@dataclass
class Part:
    """One process that can be killed and started again."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it says goes to its log."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command, env=self.env, stdout=out, stderr=subprocess.STDOUT
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise StackError(f"{self.name} did not stop:\n{self.log.read_text()[-2000:]}") from None
        finally:
            self.process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        self.stop(signal.SIGKILL)


@dataclass
class Stack:
    """Every part on loopback ports of its own, under one folder."""

    folder: Path
    redis: RedisServer
    http: aiohttp.ClientSession
    options: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    simulator_port: int = field(default_factory=free_port)
    scraper_port: int = field(default_factory=free_port)
    signal_port: int = field(default_factory=free_port)

    @property
    def venue(self) -> str:
        """Where the simulator listens."""
        return f"http://127.0.0.1:{self.simulator_port}"

    @property
    def scraper_api(self) -> str:
        """The scraper's routes."""
        return f"http://127.0.0.1:{self.scraper_port}/api/v1"

    @property
    def signal_api(self) -> str:
        """The signal system's routes."""
        return f"http://127.0.0.1:{self.signal_port}/api/v1"

    @property
    def journal(self) -> Path:
        """Where the signal system keeps its journal."""
        return self.folder / "signal" / "journal"

    def start(self, name: str) -> Part:
        """Start or restart the part `name`."""
        if name not in self.parts:
            self.parts[name] = Part(
                name, self._command(name), self._env(), self.folder / f"{name}.log"
            )
        self.parts[name].start()
        return self.parts[name]

    def _command(self, name: str) -> list[str]:
        commands = {
            "simulator": [
                *_python("hyperliquid_simulator", "serve"),
                *("--port", str(self.simulator_port), "--seed", "7", "--traders", "120"),
                *("--coins", "5", "--history", "30", "--no-limits"),
                *self.options,
            ],
            "scraper": _python("market_scraper", "run"),
            "signal": _python("signal_system", "run"),
        }
        return commands[name]

    def _env(self) -> dict[str, str]:
        own = {
            "MARKET_SCRAPER_EXCHANGE_URL": self.venue,
            "MARKET_SCRAPER_BUS_URL": self.redis.url,
            "MARKET_SCRAPER_STORAGE_URL": f"sqlite:///{self.folder}/scraper.db",
            "MARKET_SCRAPER_API_PORT": str(self.scraper_port),
            "MARKET_SCRAPER_MAX_TRADERS": "100",
            "SIGNAL_SYSTEM_BUS_URL": self.redis.url,
            "SIGNAL_SYSTEM_DATA_DIR": str(self.folder / "signal"),
            "SIGNAL_SYSTEM_API_PORT": str(self.signal_port),
        }
        return {**os.environ, **own, **self.settings}

    async def json(self, url: str) -> Any:
        """Return what `url` answers."""
        async with self.http.get(url) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def admin(self, action: str, **body: Any) -> Any:
        """Tell the simulator to do `action`."""
        async with self.http.post(f"{self.venue}/simulator/{action}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def actions(self) -> dict[str, str]:
        """Return what the API says now, by coin."""
        listed = await self.json(f"{self.signal_api}/signals")
        return {row["coin"]: row["action"] for row in listed["signals"]}

    async def start_all(self) -> None:
        """Start every part and wait until there are opinions."""
        self.start("simulator")
        await until(lambda: self.json(f"{self.venue}/simulator/truth"), "the simulator")
        self.start("scraper")
        self.start("signal")
        await until(self._opinions, "the first opinions")

    async def _opinions(self) -> bool:
        return bool({"BUY", "SELL"} & set((await self.actions()).values()))


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


@asynccontextmanager
async def open_stack(
    folder: Path, redis: RedisServer, *, simulator: Sequence[str] = (), **settings: str
) -> AsyncIterator[Stack]:
    """Provide the parts, none of them started; whatever still runs at the end is killed.

    Parameters
    ----------
    simulator
        Further options of the simulator.
    settings
        Further environment variables of every part.
    """
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        stack = Stack(folder, redis, http, tuple(simulator), settings)
        try:
            yield stack
        finally:
            for part in reversed(stack.parts.values()):
                if part.process is not None:
                    part.kill()
