"""A server that speaks MongoDB's wire protocol, for tests that need one."""

import socket
import subprocess
import sys
import time
from pathlib import Path

_START_SECONDS = 15.0


class WireServer:
    """`nx-27017` over SQLite in memory; it can be stopped and started, and forgets meanwhile.

    Parameters
    ----------
    folder
        Where it may leave files.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"mongodb://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and return once it answers."""
        files = [f"--log-file={self._folder}/nx.log", f"--pid-file={self._folder}/nx.pid"]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "nx_27017.nx_27017", "--data-dir", "memory"),
                *("--port", str(self.port), *files),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
        )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("nx-27017 did not start")

    def stop(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
