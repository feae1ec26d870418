"""Classifiers in the fold: asked in event time, answered in the journal, scored when time tells."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from shared_events.codec import decode, encode
from shared_events.journal import Tick
from shared_events.payloads import ModelChange, Outcome, Prediction, Signal
from shared_events.testing.factories import NOON
from signal_system.domain.rules import Rules
from signal_system.feature_keeping import BarKeeper
from signal_system.fold import Fold, FoldConfig, FoldSnapshot, Issued
from signal_system.ml.bars import Bars
from signal_system.ml.direction import CLASSES, Direction
from signal_system.ml.features.feed import FeatureFeed
from signal_system.ml.features.registry import SERVED
from signal_system.ml.labels import triple_barrier
from signal_system.ml.model_kinds import KINDS
from signal_system.predicting import MAX_REASONS, Predictor
from signal_system.testing.candles import wandering
from signal_system.testing.directions import direction_files
from signal_system.testing.events import Event, book, member, price, status, told

NAME = "direction-4h-BTC"
CONFIG = FoldConfig(rules=Rules(min_voters=1))
HISTORY, LIVE = 1_300, 30
Records = Sequence[Event | Tick]


MARKET = wandering(HISTORY, LIVE)
PAST, PRESENT = MARKET[:HISTORY], MARKET[HISTORY:]
TREES: Direction = KINDS["direction-trees"].load("v1", direction_files())


def model(version: str | None = "v1", second: float = 1, **fields: Any) -> Event:
    content = direction_files()["model.json"].decode() if version else None
    given: dict[str, Any] = {
        "name": NAME,
        "at": NOON + timedelta(seconds=second),
        "version": version,
        "kind": "direction-trees" if version else None,
        "content": content,
        "passed": True if version else None,
    }
    return told(ModelChange(**given | fields), second)


def predictor(*versions: str) -> Predictor:
    made = Predictor("test")
    for version in versions or ("v1",):
        made.hold(NAME, Direction(version, *list(vars(TREES).values())[1:5]))
    return made


class World:
    """A fold whose questions are answered, as the subscriber does it; its journal is `records`."""

    def __init__(self, answers: Predictor | None = None) -> None:
        self.bars = BarKeeper()
        self.fold = Fold(CONFIG, FeatureFeed(SERVED, self.bars.hear))
        self.answers = predictor() if answers is None else answers
        self.records: list[Event | Tick] = []
        self.issued: list[Issued] = []

    def take(self, records: Records) -> "World":
        for record in records:
            self._apply(record)
            for asked in self.fold.state.directions.asked:
                answer = self.answers.answer(asked)
                if answer is not None:
                    self._apply(answer)
        return self

    def _apply(self, record: Event | Tick) -> None:
        self.issued += self.fold.apply(len(self.records), record)
        self.records.append(record)

    def facts(self, kind: type[Any]) -> list[Any]:
        return [event.data for event in self.issued if isinstance(event.data, kind)]


def crowd(side: int = 1) -> list[Event]:
    return [
        status(),
        *(member(n) for n in (1, 2, 3)),
        price("BTC", 100),
        *(book(n, 1, {"BTC": side}) for n in (1, 2, 3)),
    ]


def test_a_champion_answers_to_every_bar_that_closes_and_to_none_of_the_past() -> None:
    world = World().take([*crowd(), model(), *PAST, *PRESENT])

    predictions = world.facts(Prediction)
    assert [each.bar_closed_at for each in predictions[1:]] == [
        NOON + timedelta(hours=hour) for hour in range(1, LIVE + 1)
    ]
    for each in predictions:
        assert (each.model, each.model_version, each.role) == (NAME, "v1", "champion")
        assert each.spec_hash == SERVED[0].hash
        assert set(each.raw_probabilities) == set(CLASSES)
        assert sum(each.calibrated_probabilities.values()) == pytest.approx(1)
        assert each.calibrated_probability == max(each.calibrated_probabilities.values())
        assert len(each.reasons) == MAX_REASONS
        sizes = [abs(part) for _, part in each.reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert each.below < each.reference_price < each.above


def test_what_it_was_asked_is_the_row_whose_hash_it_states() -> None:
    rows: list[Any] = []
    world = World()
    world.fold = Fold(CONFIG, None, rows.extend)

    world.take([model(), *PAST, *PRESENT])

    digests = [each.row.digest for each in rows if each.spec is SERVED[0]]
    assert [each.features_hash for each in world.facts(Prediction)][1:] == digests[-LIVE:]


def test_predictions_come_true_as_the_labels_they_were_taught_say() -> None:
    """The joiner and the labels, each with code of its own, find the same first touch."""
    world = World().take([model(), *PAST, *PRESENT])
    columns = {
        name: np.array([float(getattr(each.data, name)) for each in MARKET])
        for name in ("open", "high", "low", "close", "volume")
    }
    opened = np.array([round(each.data.open_time.timestamp() * 1000) for each in MARKET])
    made = Bars(
        timedelta(hours=1),
        opened,
        *(columns[n] for n in ("open", "high", "low", "close", "volume")),
    )
    rule = TREES.parameters.barriers
    labels = triple_barrier(
        made,
        timedelta(seconds=TREES.parameters.horizon_seconds),
        width=rule.width,
        half_life=rule.half_life_bars,
        floor=rule.floor,
    )
    taught = dict(zip(labels.began.tolist(), labels.outcomes.tolist(), strict=True))
    names = {1: "buy", -1: "sell", 0: "hold"}

    outcomes = {each.signal_id: each for each in world.facts(Outcome)}
    predictions = [each for each in world.issued if each.type == "predictions"]
    matured = [each for each in predictions if each.id in outcomes]

    assert len(matured) >= LIVE - 5
    assert {outcomes[each.id].realised for each in matured} == {"buy", "sell", "hold"}
    for each in matured:
        closed_ms = round(each.data.bar_closed_at.timestamp() * 1000)
        assert outcomes[each.id].realised == names[taught[closed_ms]]


def test_losses_are_kept_for_each_version_and_those_that_overlap_are_told_apart() -> None:
    world = World().take([model(), *PAST, *PRESENT])

    record = world.fold.state.directions.record("v1", NAME)
    outcomes = {each.signal_id: each for each in world.facts(Outcome)}
    losses = [
        -log(each.data.calibrated_probabilities[outcomes[each.id].realised])
        for each in world.issued
        if each.type == "predictions" and each.id in outcomes
    ]
    assert record is not None
    assert record.matured == len(losses) > 20
    assert record.mean_log_loss == pytest.approx(sum(losses) / len(losses))
    assert sum(record.realised.values()) == record.matured
    gaps = [b.at - a.at for a, b in zip(record.windows, record.windows[1:], strict=False)]
    assert set(gaps) == {timedelta(hours=4)}
    assert len(record.rows) == LIVE + 1


def test_a_challenger_predicts_in_the_shadow_and_decides_nothing() -> None:
    alone = World().take([*crowd(), *PAST, *PRESENT])
    world = World().take([*crowd(), model(role="challenger"), *PAST, *PRESENT])

    assert {each.role for each in world.facts(Prediction)} == {"challenger"}
    assert not any(each.decides for each in world.facts(Prediction))
    assert world.fold.state.directions.challengers == {NAME: "v1"}
    assert world.fold.state.directions.versions == {}
    actions = [(each.as_of, each.action, each.gates) for each in world.facts(Signal)]
    assert actions == [(each.as_of, each.action, each.gates) for each in alone.facts(Signal)]
    assert {each.models.classifier for each in world.facts(Signal)} == {None}


def heard_at_the_end(world: World, side: int) -> Signal:
    """Return what is said right after the last bar, everybody being on one side."""
    second = 3600 * LIVE + 2
    now = [status(second), price("BTC", 100, second)]
    world.take([*now, *(book(n, 9, {"BTC": 5 * side}, second) for n in (1, 2, 3))])
    found: Signal = world.facts(Signal)[-1]
    return found


@pytest.mark.parametrize("side", [1, -1])
def test_a_champion_whose_gates_are_open_keeps_back_what_it_contradicts(side: int) -> None:
    world = World().take([*crowd(side), model(), *PAST, *PRESENT])

    signal = heard_at_the_end(world, side)

    said = world.facts(Prediction)[-1].calibrated_probabilities
    (gate,) = (each for each in signal.gates if each.name == "classifier")
    assert gate.value is not None
    assert gate.value == pytest.approx(side * (said["buy"] - said["sell"]))
    assert gate.passed == (gate.value >= 0)
    assert signal.action == (("BUY" if side > 0 else "SELL") if gate.passed else "NEUTRAL")
    assert signal.models.classifier == "v1"


def test_one_of_the_two_sides_is_kept_back() -> None:
    actions = set()
    for side in (1, -1):
        world = World().take([*crowd(side), model(), *PAST, *PRESENT])
        actions.add(heard_at_the_end(world, side).action)

    assert "NEUTRAL" in actions
    assert len(actions) == 2


def test_a_champion_that_was_forced_over_a_shut_gate_decides_nothing() -> None:
    world = World().take([*crowd(), model(passed=False), *PAST, *PRESENT])

    signal = heard_at_the_end(world, 1)

    assert world.fold.state.directions.versions == {NAME: "v1"}
    assert "classifier" not in {gate.name for gate in signal.gates}
    assert signal.models.classifier is None
    assert signal.action == "BUY"


def test_an_expired_champion_leaves_the_rules_alone_and_every_signal_says_so() -> None:
    until = NOON + timedelta(hours=10)
    world = World().take([*crowd(), model(expires_at=until), *PAST, *PRESENT])

    signal = heard_at_the_end(world, 1)

    assert world.facts(Prediction)[-1].bar_closed_at == NOON + timedelta(hours=9)
    assert signal.models.classifier == f"rules alone: v1 expired on {until:%Y-%m-%d %H:%M}"
    assert "classifier" not in {gate.name for gate in signal.gates}
    assert NAME in world.fold.state.directions.degraded


def test_a_prediction_is_believed_for_two_bars() -> None:
    world = World().take([*crowd(), model(), *PAST, *PRESENT])
    believed = world.fold.state.directions.believed
    closed = NOON + timedelta(hours=LIVE)

    assert list(believed("BTC", closed + timedelta(minutes=119)))
    assert not list(believed("BTC", closed + timedelta(minutes=120)))
    assert not list(believed("ETH", closed))


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{}", "cannot be read"), ('{"penalty":3}', "cannot be read"), ("x", "cannot be read")],
)
def test_a_model_that_cannot_be_read_serves_nowhere_and_it_is_said(
    content: str, reason: str
) -> None:
    world = World().take([model(content=content), *PAST, *PRESENT])

    assert not world.facts(Prediction)
    assert reason in world.fold.state.directions.degraded[NAME]


def test_a_journal_needs_no_trees_to_be_replayed() -> None:
    world = World().take([*crowd(), model(), *PAST, *PRESENT])

    fold = Fold(CONFIG)
    again = [
        event
        for position, record in enumerate(world.records)
        for event in fold.apply(
            position, record if isinstance(record, Tick) else decode(encode(record))
        )
    ]

    assert [encode(event) for event in again] == [encode(event) for event in world.issued]
    assert not fold.state.directions.asked


RECORDS = [*crowd(), model(), *PAST, *PRESENT]
WHOLE = World().take(RECORDS)


def restored(world: World) -> World:
    """Return what a start makes of the newest snapshot: the same world, in a new process."""
    saved = json.decode(world.fold.snapshot(), type=FoldSnapshot)
    fresh = World(world.answers)
    for coins in world.fold.features.series.values():
        for coin in coins:
            fresh.fold.features.load(coin, "1h", world.fold.features.bars(coin, "1h"))
    fresh.fold.restore(saved)
    fresh.records, fresh.issued = world.records, world.issued
    return fresh


def killed(cuts: set[int]) -> Iterator[Issued]:
    """Yield what comes of the records if the process is killed between a question and its answer."""
    world = World()
    for number, record in enumerate(RECORDS):
        if number in cuts:
            deaf = World(Predictor("test"))
            deaf.fold, deaf.records, deaf.issued = world.fold, world.records, world.issued
            deaf.take([record])
            deaf.answers = predictor()
            world = restored(deaf)
            world.take([])
            for asked in world.fold.state.directions.asked:
                answer = world.answers.answer(asked)
                assert answer is not None
                world._apply(answer)  # noqa: SLF001
        else:
            world.take([record])
    yield from world.issued


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(HISTORY, len(RECORDS) - 1), max_size=6))
def test_killed_between_a_question_and_its_answer_it_says_the_same_to_the_byte(
    cuts: set[int],
) -> None:
    assert [encode(event) for event in killed(cuts)] == [encode(event) for event in WHOLE.issued]
