"""BGeometrics' API of bitcoin figures: SOPR, which Coin Metrics does not give away. Daily, no key.

``GET /v1/sopr?startday=2025-10-01`` answers, as its documentation says::

    [{"d": "2025-10-01", "unixTs": 1759276800, "sopr": 1.0123}]

Other copies of it have ``unixTs`` and the value as strings; both are accepted, and a ``null`` is a day that is not
computed yet. Without a key only some requests an hour are answered, so it is read every six hours.
**Not seen live yet.**
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

import msgspec

from market_scraper.connectors.context_metrics import ContextSource, Reading
from market_scraper.connectors.decoding import decoded, decoder_of


class _Day(msgspec.Struct):
    d: date
    sopr: Decimal | None = None


_answer = decoder_of(list[_Day])


def parse(raw: bytes) -> Iterator[Reading]:
    """Yield the readings.

    Raises
    ------
    WireFormatError
        If `raw` has another shape.
    """
    days = decoded(_answer, raw, "BGeometrics")
    for day in days:
        if day.sopr is not None:
            at = datetime.combine(day.d, time(), tzinfo=UTC)
            yield Reading("btc_sopr", at, day.sopr, "ratio")


def _pages(base_url: str, since: date, _today: date) -> Sequence[str]:
    return (f"{base_url}/v1/sopr?startday={since}",)


SOURCE: Final = ContextSource(
    name="bgeometrics",
    base_url="https://bitcoin-data.com",
    every_seconds=6 * 3_600,
    pages=_pages,
    parse=parse,
)
