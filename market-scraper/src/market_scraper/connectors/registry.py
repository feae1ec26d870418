"""The sources of slow indicators: one line each."""

from typing import Final

from market_scraper.connectors import cbbi, fear_greed
from market_scraper.connectors.context_metrics import ContextSource
from market_scraper.connectors.onchain import bgeometrics, coin_metrics

CONTEXT_SOURCES: Final[tuple[ContextSource, ...]] = (
    cbbi.SOURCE,
    fear_greed.SOURCE,
    coin_metrics.SOURCE,
    bgeometrics.SOURCE,
)
