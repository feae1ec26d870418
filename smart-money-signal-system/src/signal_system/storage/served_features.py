"""What was served, a line a row and a file a day, so that somebody can work it out again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
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

    def write(self, rows: Iterable[Told]) -> None:
        """Append `rows`.

        Raises
        ------
        ServedLogError
            If the disk did not take them; written again, a row counts once.
        """
        by_day = defaultdict[str, list[bytes]](list)
        for told in rows:
            day = datetime.fromtimestamp(told.row.available_ms / 1000, UTC).date()
            by_day[f"{day}"].append(json.encode(_served(told)) + b"\n")
        for name, lines in by_day.items():
            path = self._folder / f"{name}.jsonl"
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with path.open("ab") as file:
                    file.write(b"".join(lines))
            except OSError as e:
                raise ServedLogError(f"cannot write {path} ({e.strerror})") from e

    def forget_before(self, moment: datetime) -> None:
        """Drop the days that were over at `moment`.

        Raises
        ------
        ServedLogError
            If the disk did not let go of one.
        """
        first = f"{moment.astimezone(UTC).date()}.jsonl"
        for path in self._folder.glob("*.jsonl"):
            if path.name < first:
                try:
                    path.unlink()
                except OSError as e:
                    raise ServedLogError(f"cannot remove {path} ({e.strerror})") from e

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


def _served(told: Told) -> Served:
    row = told.row
    values = row.values.astype(_DTYPE).tobytes()
    return Served(told.spec.hash, told.coin, row.event_ms, row.available_ms, values)
