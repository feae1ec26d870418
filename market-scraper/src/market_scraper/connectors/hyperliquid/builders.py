"""The exchanges that builders run beside the venue's own: what they list, and how that stands. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from market_scraper.connectors.hyperliquid.parse import Asset, parse_all_contexts
from market_scraper.positions.coins import MAIN_DEX, dex_of
from shared_events.payloads import MarketContext

CONTEXTS = "allDexsAssetCtxs"
"""The channel that tells how the markets of all exchanges stand, every few seconds."""

_EVERY = timedelta(seconds=10)


@dataclass(slots=True)
class BuilderMarkets:
    """What was last read of them; contexts come in the order of the lists, ended markets included."""

    _assets: dict[str, Asset] = field(default_factory=dict)
    _universes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _read_at: datetime | None = None

    def listed(self, assets: Sequence[Asset]) -> list[str]:
        """Take the lists of all exchanges; return the builders' coins that trade."""
        theirs = [asset for asset in assets if dex_of(asset.name) not in {None, MAIN_DEX}]
        self._assets = {asset.name: asset for asset in theirs}
        self._universes = {}
        for asset in theirs:
            dex = dex_of(asset.name) or MAIN_DEX
            self._universes[dex] = (*self._universes.get(dex, ()), asset.name)
        return [asset.name for asset in theirs if not asset.delisted]

    def contexts(self, raw: bytes, at: datetime) -> list[MarketContext]:
        """Return how their markets stand, at most once in ten seconds of the venue's time."""
        if self._read_at is not None and at - self._read_at < _EVERY:
            return []
        self._read_at = at
        return list(map(self._whole, parse_all_contexts(raw, self._universes, at)))

    def _whole(self, context: MarketContext) -> MarketContext:
        asset = self._assets[context.coin]
        return context.model_copy(
            update={
                "size_decimals": asset.size_decimals,
                "max_leverage": asset.max_leverage,
                "delisted": asset.delisted,
            }
        )
