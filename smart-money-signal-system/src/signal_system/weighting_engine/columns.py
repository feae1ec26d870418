"""Named arrays of one length that grow together: one row for each voter, or for each position."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FIRST_ROWS = 8


def sums(which: Ints, amounts: Floats, count: int) -> Floats:
    """Return for each of `count` numbers the sum of the amounts that belong to it.

    Examples
    --------
    >>> sums(np.array([0, 2, 0]), np.array([1.0, 5.0, 2.0]), 3).tolist()
    [3.0, 0.0, 5.0]
    """
    return np.bincount(which, amounts, count).astype(np.float64)


class Saved(Struct):
    """The rows of some columns, byte for byte."""

    rows: int
    columns: dict[str, bytes]


class Columns:
    """Arrays by name; a new row is all zeros but for what is given.

    Parameters
    ----------
    kinds
        The type of each column, as numpy names it; ``"(3,)f8"`` is three numbers a row.

    Examples
    --------
    >>> people = Columns({"age": "i8", "height": "f8"})
    >>> people.add(age=7), people.add(age=9), people.drop(0)
    (0, 1, None)
    >>> people["age"].tolist(), people["height"].tolist()
    ([9], [0.0])
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.rows = 0
        self._room = _FIRST_ROWS
        self._kinds = dict(kinds)
        self._arrays = {name: np.zeros(self._room, kind) for name, kind in kinds.items()}

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return the column `name`; writing to it changes the rows."""
        return self._arrays[name][: self.rows]

    def __setitem__(self, name: str, values: npt.NDArray[Any]) -> None:
        """Replace the column `name`."""
        self._arrays[name][: self.rows] = values

    def whole(self, name: str) -> npt.NDArray[Any]:
        """Return the array behind a column, spare room included: for single cells, until `add`."""
        return self._arrays[name]

    def add(self, **cells: float) -> int:
        """Append a row; return its number."""
        row, self.rows = self.rows, self.rows + 1
        if self.rows > self._room:
            self._make_room(2 * self._room)
        for name, cell in cells.items():
            self._arrays[name][row] = cell
        return row

    def drop(self, row: int) -> None:
        """Remove `row`; the last row takes its number."""
        self.rows -= 1
        for array in self._arrays.values():
            array[row] = array[self.rows]
            array[self.rows] = 0

    def saved(self) -> Saved:
        """Return the rows for a snapshot."""
        return Saved(self.rows, {name: self[name].tobytes() for name in self._kinds})

    def restore(self, saved: Saved) -> None:
        """Become what `saved` was taken of."""
        self.rows = saved.rows
        self._make_room(max(_FIRST_ROWS, saved.rows))
        for name, kind in self._kinds.items():
            typed = np.dtype(kind)
            cells = np.frombuffer(saved.columns[name], typed.base)
            self._arrays[name][: self.rows] = cells.reshape(self.rows, *typed.shape)

    def _make_room(self, rows: int) -> None:
        for name, old in self._arrays.items():
            new = self._arrays[name] = np.zeros(rows, self._kinds[name])
            kept = min(len(old), rows)
            new[:kept] = old[:kept]
        self._room = rows
