"""The bars that features follow from, kept bar by bar beside the snapshots: they are many."""

from collections.abc import Sequence
from typing import cast, get_args

from msgspec import ValidationError, json

from shared_events.payloads.market import Interval
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feed import BarKey, FeatureFeed
from signal_system.pacing import Pacer
from signal_system.storage.port import KeptBar, Store

_decoder = json.Decoder(Bar)
_SEPARATOR = "|"


class BarKeeper:
    """Remembers which bars came or changed since a checkpoint last held them.

    `hear` is for the feed to tell.
    """

    def __init__(self) -> None:
        self._news: dict[BarKey, Bar] = {}

    def hear(self, key: BarKey, bar: Bar) -> None:
        """Remember that `bar` is new, or known better."""
        self._news[key] = bar

    async def kept(self, feed: FeatureFeed) -> Sequence[KeptBar]:
        """Return what is to be kept, encoded, and forget it."""
        pacer, told = Pacer(), list[KeptBar]()
        news, self._news = self._news, {}
        for (coin, interval, open_ms), bar in news.items():
            series, oldest_ms = coin + _SEPARATOR + interval, feed.oldest_ms(coin, interval)
            if open_ms >= oldest_ms:
                told.append(KeptBar(series, open_ms, oldest_ms, json.encode(bar)))
            await pacer.breathe()
        return told

    def keep_again(self, bars: Sequence[KeptBar]) -> None:
        """Remember `bars`, which nobody kept; what came since is newer."""
        for bar in bars:
            key = BarKey(*series_of(bar.series), bar.open_ms)
            self._news.setdefault(key, _decoder.decode(bar.raw))


def series_of(name: str) -> tuple[str, Interval]:
    """Return the coin and the length of bars that `name` stands for.

    Raises
    ------
    msgspec.ValidationError
        If it is none.

    Examples
    --------
    >>> series_of("BTC|1h")
    ('BTC', '1h')
    """
    coin, _, interval = name.rpartition(_SEPARATOR)
    if interval not in get_args(Interval):
        raise ValidationError(f"{name!r} names no series of bars")
    return coin, cast("Interval", interval)


def bars_of(store: Store, series: str) -> Sequence[Bar]:
    """Return the kept bars of a series in their order."""
    return [_decoder.decode(raw) for raw in store.bars(series)]
