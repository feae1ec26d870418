"""What was served, a line a row and a file a day, so that somebody can work it out again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta, MsgspecError, Struct, json

from shared_events.errors import DataError, TransientError
from signal_system.ml.features.feed import Told

_DTYPE = np.dtype("<f4")


class ServedLogError(TransientError):
    """The disk did not take what was served."""


class Served(Struct, frozen=True):
    """One row as it was served; `values` are little-endian float32, named by the spec."""

    spec_hash: Annotated[str, Meta(min_length=64, max_length=64)]
    coin: str
    event_ms: int
    available_ms: int
    values: bytes


class ServedFeatures:
    """Appends to ``{folder}/{day}.jsonl``, the day being the UTC day the row became available.

    Parameters
    ----------
    folder
        Made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, told: Told) -> None:
        """Append one row.

        Raises
        ------
        ServedLogError
            If the disk did not take it.
        """
        row = told.row
        served = Served(
            told.spec.hash,
            told.coin,
            row.event_ms,
            row.available_ms,
            row.values.astype(_DTYPE).tobytes(),
        )
        day = datetime.fromtimestamp(row.available_ms / 1000, UTC).date()
        path = self._folder / f"{day}.jsonl"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(json.encode(served) + b"\n")
        except OSError as e:
            raise ServedLogError(f"cannot write {path} ({e.strerror})") from e

    def read(self) -> Iterator[Served]:
        """Yield what was served, day by day.

        Raises
        ------
        DataError
            Naming the line that is none; a line that a killed writer left unfinished is left out.
        """
        for path in sorted(self._folder.glob("*.jsonl")):
            for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
                if not line.endswith(b"\n"):
                    continue
                try:
                    yield json.decode(line, type=Served)
                except MsgspecError as e:
                    raise DataError(f"{path}:{number} is no served row: {e}") from e
