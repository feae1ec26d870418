"""The Crypto Fear & Greed Index of alternative.me: one number a day, 0 is extreme fear, 100 extreme greed.

``GET /fng/?limit=400&format=json`` answers, newest first::

    {
        "name": "Fear and Greed Index",
        "data": [
            {
                "value": "73",
                "value_classification": "Greed",
                "timestamp": "1734998400",
                "time_until_update": "3600",
            }
        ],
        "metadata": {"error": null},
    }

Timestamps are midnight UTC in seconds; ``time_until_update`` is in the newest row alone. The shape was checked
on a re-encoded answer of real values; **not seen live yet**.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from market_scraper.connectors.context_metrics import ContextSource, Reading
from market_scraper.connectors.decoding import decoded, decoder_of
from market_scraper.errors import SourceUnavailableError, WireFormatError
from market_scraper.moments import moment

METRIC: Final = "fear_and_greed"
_HIGHEST = 100


class _Row(msgspec.Struct):
    timestamp: str
    value: str | None


class _Metadata(msgspec.Struct):
    error: str | None = None


class _Answer(msgspec.Struct):
    data: list[_Row]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_answer = decoder_of(_Answer)


def parse(raw: bytes) -> Iterator[Reading]:
    """Yield the readings, newest first.

    Raises
    ------
    SourceUnavailableError
        If the answer itself says that something went wrong.
    WireFormatError
        If it has another shape.
    """
    answer = decoded(_answer, raw, "fear and greed")
    if answer.metadata.error:
        raise SourceUnavailableError(f"fear and greed says: {answer.metadata.error[:200]}")
    for row in answer.data:
        if row.value is not None:
            yield _reading(row.timestamp, row.value)


def _reading(timestamp: str, value: str) -> Reading:
    known = timestamp.isdecimal() and len(timestamp) <= 11 and value.isdecimal()  # noqa: PLR2004
    if not (known and int(value[:9]) <= _HIGHEST):
        raise WireFormatError(f"fear and greed says {value[:50]!r} at {timestamp[:50]!r}")
    return Reading(METRIC, moment(int(timestamp) * 1000), Decimal(value), "index 0 to 100")


def _pages(base_url: str, since: date, today: date) -> Sequence[str]:
    return (f"{base_url}?limit={(today - since).days + 1}&format=json",)


SOURCE: Final = ContextSource(
    name="fear_greed",
    base_url="https://api.alternative.me/fng/",
    every_seconds=3_600,
    pages=_pages,
    parse=parse,
)
