import numpy as np
import pytest

from hyperliquid_simulator.accounts import charges
from hyperliquid_simulator.accounts.charges import ChargedHour, Charges


def test_the_payments_of_one_account_come_oldest_first_within_the_moments_asked_for() -> None:
    book = Charges()
    for time in (10, 20, 30):
        book.add(_hour(time))

    assert [(c.time, c.coin, c.paid) for c in book.of(1, 10)] == [
        *((20, 0, 2), (20, 2, 3)),
        *((30, 0, 2), (30, 2, 3)),
    ]
    assert {c.time for c in book.of(1, 0, 20)} == {10, 20}
    assert book.of(7, 0) == []


def test_the_oldest_hours_are_forgotten_when_there_are_too_many_payments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(charges, "MOST_KEPT", 8)
    book = Charges()

    for time in (10, 20, 30):
        book.add(_hour(time))

    assert [c.time for c in book.of(0, 0)] == [20, 30]


def _hour(time: int) -> ChargedHour:
    """Two accounts with positions in three coins, and one with none of them."""
    columns = ([0, 1, 1, 3], [0, 0, 2, 1], [5, 6, 7, 8], [1, 2, 3, 4])
    rates = [0.1, 0.2, 0.3]
    return ChargedHour(time, rates, *(np.array(column, dtype=np.int64) for column in columns))
