"""The Colin Talks Crypto Bitcoin Bull Run Index: ten curves, one value a day, 1 is the top of a cycle.

``GET /cbbi/data/latest.json`` answers, some 1.4 MB, rebuilt several times a day::

    {"Price": {"1734998400": 98638.0}, "PiCycle": {"1734998400": 0.5736}, "Confidence": {...}}

Keys are seconds since 1970, of midnight UTC. The last day's values move until the day is over. Copies of
it in percent exist; a file is taken to be in percent if any value but a price is above 1. A ``null`` is a
day without a value. The shape was checked on a re-encoded excerpt of real values; **not seen live yet**.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from market_scraper.connectors.context_metrics import ContextSource, Reading
from market_scraper.connectors.decoding import decoded, decoder_of
from market_scraper.errors import WireFormatError
from market_scraper.moments import moment

METRICS: Final[Mapping[str, str]] = {
    "Confidence": "cbbi",
    "PiCycle": "cbbi_pi_cycle",
    "RUPL": "cbbi_rupl",
    "RHODL": "cbbi_rhodl",
    "Puell": "cbbi_puell",
    "2YMA": "cbbi_two_year_average",
    "Trolololo": "cbbi_trolololo",
    "MVRV": "cbbi_mvrv",
    "ReserveRisk": "cbbi_reserve_risk",
    "Woobull": "cbbi_woobull",
}
"""Our name of each curve; the first is their mean. Curves we do not know are left alone."""

_Curve = dict[str, Decimal | None]
_file = decoder_of(dict[str, _Curve])


def parse(raw: bytes) -> Iterator[Reading]:
    """Yield the readings of every curve as fractions.

    Raises
    ------
    WireFormatError
        If `raw` has another shape, no curve we know, or a value that is neither.
    """
    file = decoded(_file, raw, "the CBBI")
    curves = {METRICS[name]: curve for name, curve in file.items() if name in METRICS}
    if not curves:
        raise WireFormatError("the CBBI holds none of its curves")
    percent = any(value > 1 for curve in curves.values() for value in curve.values() if value)
    for metric, curve in curves.items():
        yield from _readings(metric, curve, Decimal(100) if percent else Decimal(1))


def _readings(metric: str, curve: _Curve, whole: Decimal) -> Iterator[Reading]:
    for second, value in curve.items():
        if value is None:
            continue
        if not (second.isdecimal() and len(second) <= 11 and 0 <= value <= whole):  # noqa: PLR2004
            raise WireFormatError(f"the CBBI says {str(value)[:50]} at {second[:50]!r}")
        yield Reading(metric, moment(int(second) * 1000), value / whole, "fraction")


def _pages(base_url: str, _since: date, _today: date) -> Sequence[str]:
    return (base_url,)


SOURCE: Final = ContextSource(
    name="cbbi",
    base_url="https://colintalkscrypto.com/cbbi/data/latest.json",
    every_seconds=3_600,
    pages=_pages,
    parse=parse,
)
