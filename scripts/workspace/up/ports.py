"""Ports of this machine: a free one, and who holds one that is not."""

import socket
from collections.abc import Iterator
from pathlib import Path

_LISTENING = "0A"


def free_port(preferred: int = 0) -> int:
    """Return `preferred` if nobody listens there, else any free loopback port."""
    return preferred if preferred and is_free(preferred) else _any_free_port()


def is_free(port: int) -> bool:
    """Tell whether a service could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """Return who listens on `port`, as ``pid 12 (python -m http.server)``; None if it cannot be seen."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    for process in sorted(proc.glob("[0-9]*")):
        if sockets & set(_open_files(process)):
            command = (
                (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            return f"pid {process.name} ({command.strip()[:80]})"
    return None


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    for table in (proc / "net/tcp", proc / "net/tcp6"):
        lines = table.read_text().splitlines()[1:] if table.is_file() else []
        for fields in (line.split() for line in lines):
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _open_files(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            yield str(descriptor.readlink())
    except OSError:  # it ended, or belongs to somebody else
        return
