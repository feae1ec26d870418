"""A fact out of a recording, with the moment at which it was recorded."""

from datetime import datetime
from typing import Any, NamedTuple

from market_scraper.outlet import SOURCE


class Told(NamedTuple):
    """`fact` as it was learned at `at` from `source`; nothing in it is known from later."""

    at: datetime
    fact: Any
    source: str = SOURCE
