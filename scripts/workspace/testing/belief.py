"""What a journal holds and leads the signal system to believe, to be held against the truth."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

from shared_events.envelope import StandardEvent
from shared_events.journal import decode_record, read
from signal_system.domain.exposure import SIZE_SCALE
from signal_system.fold import Fold, FoldConfig

Books = dict[str, dict[str, Decimal]]


def journalled(journal: Path) -> Counter[str]:
    """Return how often each event id stands in the journal."""
    records = (decode_record(raw) for _, raw in read(journal))
    return Counter(record.id for record in records if isinstance(record, StandardEvent))


def believed_books(journal: Path) -> Books:
    """Return the open positions of every tracked trader on the venue's own exchange, by address and coin.

    Books of builders' exchanges are known only of whoever traded there.
    """
    fold = Fold(FoldConfig())
    for position, raw in read(journal):
        fold.apply(position, decode_record(raw))
    return {
        trader.address: {
            coin: Decimal(held.size) / SIZE_SCALE
            for coin, held in trader.book.items()
            if held.size and ":" not in coin
        }
        for trader in fold.state.tracked()
    }
