from pathlib import Path

import pytest

from market_scraper.errors import StorageError
from market_scraper.storage.sole import sole


def test_a_second_scraper_on_one_database_is_told_to_use_its_own(tmp_path: Path) -> None:
    database = tmp_path / "new folder" / "scraper.db"

    with sole(database), pytest.raises(StorageError, match="another scraper"), sole(database):
        pass


def test_a_database_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with sole(tmp_path / "scraper.db"):
            pass


def test_what_keeps_nothing_needs_no_lock() -> None:
    with sole(None), sole(None):
        pass


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="MARKET_SCRAPER_STORAGE_URL"), sole(tmp_path / "file/x"):
        pass
