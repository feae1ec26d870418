from decimal import Decimal

from shared_events.testing.factories import an_address
from signal_system.domain.rules import Rules
from signal_system.fold import Fold, FoldConfig
from signal_system.signal_generation.words import amount
from signal_system.testing.day import Record
from signal_system.testing.events import book, member, price, status


def why(*records: Record) -> str:
    """Return what is said of BTC over 4 h after `records`."""
    fold = Fold(FoldConfig(rules=Rules(min_voters=2, min_independent_voters=1.0)))
    for position, record in enumerate(records):
        fold.apply(position, record)
    decision = fold.processor.decision("BTC")
    assert decision is not None
    return fold.processor.signals(decision, fold.position)[1].why


def start(*sizes: float) -> list[Record]:
    numbers = range(1, len(sizes) + 1)
    return [
        status(),
        *(member(number) for number in numbers),
        price("BTC", 100),
        *(book(number, 1, {"BTC": size}) for number, size in zip(numbers, sizes, strict=True)),
    ]


def test_an_opinion_of_many_names_what_would_end_it_and_nobody_it_hangs_on() -> None:
    told = why(*start(1, 1, 1, 1))

    assert told.startswith("BUY: the score is 0.50; ends if ")
    assert told.endswith(" USD more go short.")
    assert "without" not in told


def test_an_opinion_that_hangs_on_one_entity_names_it() -> None:
    whale = an_address(1)

    told = why(*start(-50, 10, 10))

    assert told.startswith("SELL: the score is -")
    assert f"without {whale[:6]}..{whale[-4:]} NEUTRAL" in told


def test_no_opinion_names_the_first_gate_that_is_shut_and_what_would_make_one() -> None:
    balanced, unpriced = why(*start(10, -9)), why(*start(1, 1)[:3])

    assert balanced.startswith("NEUTRAL: conviction is 0.0526 where 0.2 is asked for; BUY if ")
    assert unpriced == "NEUTRAL: reference price is not known."


def test_an_amount_is_told_in_the_unit_it_fills() -> None:
    assert [amount(Decimal(each)) for each in ("12", "12e3", "12e6", "12e9")] == [
        *("12.00", "12.00 k", "12.00 M", "12.00 bn")
    ]
