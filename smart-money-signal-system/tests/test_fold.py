from hashlib import sha256

from hypothesis import given, settings, strategies as st
from msgspec import json

from shared_events.codec import encode
from shared_events.envelope import StandardEvent
from shared_events.payloads import Signal
from signal_system.domain.rules import Rules
from signal_system.fold import Fold, FoldConfig, FoldSnapshot, Issued
from signal_system.ml.band import Band
from signal_system.signal_generation.chain import GENESIS, document, is_intact
from signal_system.testing.day import Record, day
from signal_system.testing.events import status

CONFIG = FoldConfig(
    rules=Rules(min_voters=2),
    baseline=Band(interval="1h", window=3, width=0.01),
)

seeds = st.integers(0, 10_000)
cuts = st.lists(st.integers(0, 120), max_size=3)


def folded(records: list[Record], cut_at: list[int] | None = None) -> tuple[Fold, list[Issued]]:
    """Fold `records`, each time starting anew from a snapshot where it is cut."""
    fold, issued = Fold(CONFIG), list[Issued]()
    for position, record in enumerate(records):
        issued += fold.apply(position, record)
        if position in (cut_at or ()):
            saved = json.decode(fold.snapshot(), type=FoldSnapshot)
            fold = Fold(CONFIG)
            fold.restore(saved)
    return fold, issued


def digest(issued: list[Issued]) -> str:
    return sha256(b"\n".join(map(encode, issued))).hexdigest()


def signals(issued: list[Issued]) -> list[Signal]:
    return [event.data for event in issued if isinstance(event.data, Signal)]


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(0, 20))
def test_two_journals_never_give_one_id_to_two_signals(seed: int, left_out: int) -> None:
    whole, later = folded(day(seed))[1], folded(day(seed)[left_out:])[1]

    said = {event.id: event.data for event in whole if event.type == "signals"}

    assert all(said.get(event.id, event.data) == event.data for event in later)


@settings(max_examples=30, deadline=None)
@given(seeds, cuts)
def test_replaying_twice_and_cut_anywhere_issues_the_same_bytes(
    seed: int, cut_at: list[int]
) -> None:
    records = day(seed)

    (fold, issued), (resumed, again) = folded(records), folded(records, cut_at)

    assert digest(again) == digest(issued)
    assert resumed.snapshot()
    assert resumed.state.digest() == fold.state.digest()


@settings(max_examples=30, deadline=None)
@given(seeds, cuts)
def test_a_recording_too(seed: int, cut_at: list[int]) -> None:
    records = [status(recording=True, cadence_seconds=60.0), *day(seed)]
    records = [_recorded(record) for record in records]

    (_, issued), (_, again) = folded(records), folded(records, cut_at)

    assert digest(again) == digest(issued)
    assert issued


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_every_signal_is_linked_to_the_one_before_and_its_served_bytes_prove_it(seed: int) -> None:
    fold, issued = folded(day(seed))

    previous = GENESIS
    for signal in signals(issued):
        assert signal.prev_hash == previous
        assert is_intact(document(signal))
        previous = signal.hash
    assert fold.processor.memory.chain == previous
    assert fold.processor.memory.issued == len(signals(issued))


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_ids_are_distinct(seed: int) -> None:
    _, issued = folded(day(seed))

    assert len({event.id for event in issued}) == len(issued)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_no_signal_knows_of_anything_recorded_after_it(seed: int) -> None:
    records = day(seed)
    half = len(records) // 2

    _, past = folded(records[:half])
    _, whole = folded(records)

    assert [encode(event) for event in whole[: len(past)]] == [encode(event) for event in past]


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_an_opinion_is_held_only_while_every_gate_is_open(seed: int) -> None:
    for signal in signals(folded(day(seed))[1]):
        is_open = all(gate.passed for gate in signal.gates)

        assert (signal.action != "NEUTRAL") == is_open
        assert signal.score == 0 or is_open <= ((signal.action == "BUY") == (signal.score > 0))
        assert 0 < signal.confidence < 1
        assert not signal.calibrated


def test_the_configuration_hash_changes_with_any_setting_that_could_change_a_signal() -> None:
    others = (
        FoldConfig(rules=Rules(conviction=0.3)),
        FoldConfig(baseline=Band(window=50)),
    )

    assert len({FoldConfig().hash, *(each.hash for each in others)}) == 3
    assert FoldConfig().hash == FoldConfig().hash


def _recorded(record: Record) -> Record:
    if isinstance(record, StandardEvent) and record.type == "source_status":
        second = (record.recorded_at - status().recorded_at).total_seconds()
        return status(second, recording=True, cadence_seconds=60.0)
    return record
