"""What is peculiar to a server: its documents, its absence, its URL."""

from decimal import Decimal

import pytest
from pymongo import MongoClient

from market_scraper.errors import StorageAwayError, StorageError
from market_scraper.storage.mongo import MongoRepository
from market_scraper.storage.tables import POSITIONS, TABLES, HeldRow
from shared_events.testing.factories import an_address


async def test_a_row_is_a_document_with_its_own_words(wire_url: str) -> None:
    store = MongoRepository(wire_url)
    await store.prepare()
    await store.save(POSITIONS, [HeldRow(an_address(), "BTC", 1, Decimal("1.50"), "anchored")])
    await store.close()

    with MongoClient[dict[str, object]](wire_url) as client:
        database = client.get_default_database()
        [document] = database["positions"].find({}, {"_id": 0})
        indexes = database["positions"].index_information().values()

    assert document == {
        "address": an_address(),
        "coin": "BTC",
        "at_ms": 1,
        "size": "1.50",
        "quality": "anchored",
        **dict.fromkeys(
            ("entry", "leverage", "margin_type", "mark", "unrealised_pnl", "liquidation_price")
        ),
    }
    assert {"address", "coin", "at_ms"} in [{name for name, _ in i["key"]} for i in indexes]


async def test_preparing_twice_is_harmless_and_makes_every_collection_s_index(
    wire_url: str,
) -> None:
    store = MongoRepository(wire_url)
    await store.prepare()
    await store.prepare()
    await store.close()

    with MongoClient[dict[str, object]](wire_url) as client:
        names = client.get_default_database().list_collection_names()
    assert {table.name for table in TABLES} <= set(names)


async def test_a_server_that_does_not_answer_is_away() -> None:
    store = MongoRepository("mongodb://127.0.0.1:1/market_scraper")

    with pytest.raises(StorageAwayError, match="does not answer"):
        await store.ping()
    await store.close()


@pytest.mark.parametrize(
    "url", ["mongodb://", "mongodb://host:99999999", "mongodb://me:p@ss/wo:rd@host/db"]
)
def test_a_url_that_cannot_be_one_is_told_without_its_secret(url: str) -> None:
    with pytest.raises(StorageError, match="MARKET_SCRAPER_STORAGE_URL") as error:
        MongoRepository(url)
    assert "wo:rd" not in str(error.value)
