"""A part's output: kept in a file that cannot fill the disk, its last lines at hand."""

from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

_LONGEST_LINE = 64 * 1024


class LogFile:
    """Takes bytes as they come; two files of `max_bytes` at most.

    Parameters
    ----------
    path
        Where to write. What a run before left is kept as ``<name>.1``.
    max_bytes
        When to start a new file.
    remembered
        How many of the last lines `last` returns.
    """

    def __init__(self, path: Path, max_bytes: int = 8 * 2**20, remembered: int = 40) -> None:
        self.path = path
        self.last: deque[str] = deque(maxlen=remembered)
        self._max_bytes = max_bytes
        self._partial = b""

    def __enter__(self) -> Self:
        """Open the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._turn_over()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left and close."""
        self.take(b"\n" if self._partial else b"")
        self._file.close()

    def take(self, chunk: bytes) -> list[str]:
        """Write `chunk` and return the lines it completed."""
        if self._file.tell() + len(chunk) > self._max_bytes:
            self._file.close()
            self._turn_over()
        self._file.write(chunk)
        *whole, self._partial = (self._partial + chunk).split(b"\n")
        if len(self._partial) > _LONGEST_LINE:
            whole, self._partial = [*whole, self._partial], b""
        lines = [line.decode(errors="replace").rstrip() for line in whole]
        self.last.extend(line for line in lines if line)
        return lines

    def _turn_over(self) -> None:
        if self.path.exists():
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._file = self.path.open("wb", buffering=0)
