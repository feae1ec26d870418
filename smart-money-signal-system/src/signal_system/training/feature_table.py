"""Features in Parquet files, joined to decisions by what was known then."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs

from shared_events.errors import ConfigError, DataError
from signal_system.ml.features.series import Row
from signal_system.ml.features.view import FeatureView

DECISION_TIME = "decision_time"
TIMES = ("event_time", "available_time")

_MOMENT = pa.timestamp("ms", tz="UTC")


class OfflineFeatures:
    """Files of rows, one for each coin: ``{root}/{view}/{spec hash}/{coin}.parquet``.

    Every file carries its spec; one that was made by another spec than the view's is refused.

    Parameters
    ----------
    root
        The folder that holds them; made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, view: FeatureView, coin: str) -> Path:
        """Return where the rows of `coin` are."""
        return self._folder(view) / f"{quote(coin, safe='')}.parquet"

    def coins(self, view: FeatureView) -> Sequence[str]:
        """Return the coins that have rows."""
        return sorted(unquote(path.stem) for path in self._folder(view).glob("*.parquet"))

    def write(self, view: FeatureView, coin: str, rows: Iterable[Row], source: str) -> Path:
        """Replace the rows of `coin` at once; `source` names what they were made of.

        Raises
        ------
        ConfigError
            If the folder cannot be written to.
        """
        path = self.path(view, coin)
        table = _table(view, list(rows)).replace_schema_metadata(
            {b"spec": view.spec.canonical, b"spec_hash": view.spec.hash, b"source": source}
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            pq.write_table(table, part, compression="zstd")
            part.replace(path)
        except OSError as e:
            raise ConfigError(
                f"cannot write {path} ({e.strerror}): choose another folder with --out"
            ) from e
        return path

    def read(self, view: FeatureView, coin: str) -> pd.DataFrame:
        """Return the rows of `coin` in the order they became available.

        Raises
        ------
        DataError
            If there are none.
        SpecMismatchError
            If another spec made them.
        """
        path = self.path(view, coin)
        try:
            table = pq.read_table(path)
        except FileNotFoundError as e:
            raise DataError(
                f"{view.name} has no rows of {coin}: build them with"
                f" `signal-system features build --view {view.spec.name} --coin {coin}`"
            ) from e
        view.spec.require((table.schema.metadata or {}).get(b"spec", b"null"), str(path))
        return table.to_pandas()

    def get_historical(self, view: FeatureView, entities: pd.DataFrame) -> pd.DataFrame:
        """Return `entities` with the features that were known at each decision.

        Parameters
        ----------
        entities
            One row for each decision: a column named as the view's entity, and ``decision_time``,
            moments that know their offset.

        Returns
        -------
        pandas.DataFrame
            The same rows in the same order, with ``event_time``, ``available_time`` and the
            features of the newest bar that was available by then; all missing where it is older
            than the view allows.
        """
        _require_columns(view, entities)
        wanted = entities.assign(_order=np.arange(len(entities)))
        joined = [
            self._joined(view, str(coin), group) for coin, group in wanted.groupby(view.entity)
        ]
        return (
            pd.concat(joined).sort_values("_order").drop(columns="_order").set_index(entities.index)
        )

    def _joined(self, view: FeatureView, coin: str, decisions: pd.DataFrame) -> pd.DataFrame:
        rows = self.read(view, coin)
        overtaken = rows["event_time"] < rows["event_time"].cummax()
        moments = decisions.assign(
            **{DECISION_TIME: decisions[DECISION_TIME].dt.as_unit("ms").dt.tz_convert("UTC")}
        )
        joined = pd.merge_asof(
            moments.sort_values(DECISION_TIME),
            rows[~overtaken],
            left_on=DECISION_TIME,
            right_on="available_time",
        )
        stale = joined[DECISION_TIME] - joined["event_time"] > view.ttl
        told = [*TIMES, *view.spec.names]
        joined[told] = joined[told].mask(stale)
        return joined

    def _folder(self, view: FeatureView) -> Path:
        return self._root / view.name / view.spec.hash[:16]


def _table(view: FeatureView, rows: Sequence[Row]) -> pa.Table:
    ordered = sorted(rows, key=lambda row: (row.available_ms, row.event_ms))
    matrix = np.array([values for _, _, values in ordered], np.float32)
    matrix = matrix.reshape(len(ordered), len(view.spec.names))
    return pa.table(
        {
            "event_time": pa.array([row.event_ms for row in ordered], _MOMENT),
            "available_time": pa.array([row.available_ms for row in ordered], _MOMENT),
            **{name: matrix[:, place] for place, name in enumerate(view.spec.names)},
        }
    )


def _require_columns(view: FeatureView, entities: pd.DataFrame) -> None:
    missing = {view.entity, DECISION_TIME} - set(entities.columns)
    if missing:
        raise DataError(f"the decisions lack the columns {', '.join(sorted(missing))}")
    if not isinstance(entities[DECISION_TIME].dtype, pd.DatetimeTZDtype):
        raise DataError(f"{DECISION_TIME} must hold moments that know their offset")
