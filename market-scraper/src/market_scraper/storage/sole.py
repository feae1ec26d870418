"""One scraper per database: two would give the same sequences to different news."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market_scraper.errors import StorageError


@contextmanager
def sole(database: Path | None) -> Iterator[None]:
    """Be the only one who publishes from `database` for as long as the context lasts.

    The command line, which only edits, does not ask. A lock of a killed process is free at once.

    Raises
    ------
    StorageError
        If another scraper runs on it, or its folder cannot be written to.
    """
    if database is None:
        yield
        return
    path = database.with_name(f"{database.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as e:
        raise StorageError(
            f"cannot keep the database at {database} ({e.strerror}): set"
            " MARKET_SCRAPER_STORAGE_URL to a path that can be written"
        ) from e
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise StorageError(
                f"another scraper publishes from {database}: stop it, or set"
                " MARKET_SCRAPER_STORAGE_URL to a file of this one's own"
            ) from e
        yield
