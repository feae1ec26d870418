from datetime import timedelta

from shared_events.payloads import ModelChange
from shared_events.testing.factories import NOON
from signal_system.feature_keeping import BarKeeper
from signal_system.fold import Fold, FoldConfig
from signal_system.importance_serving import feature_importances
from signal_system.ml.direction import Direction
from signal_system.ml.features.feed import FeatureFeed
from signal_system.ml.features.registry import SERVED
from signal_system.ml.model_kinds import KINDS, MODEL
from signal_system.predicting import MAX_REASONS, Predictor
from signal_system.testing.candles import wandering
from signal_system.testing.directions import direction_files, importances
from signal_system.testing.events import Event, told

NAME = "direction-4h-BTC"
TREES: Direction = KINDS["direction-trees"].load("v1", direction_files())


def change(role: str = "champion", second: int = 1) -> Event:
    served = ModelChange.model_validate(
        {
            "name": NAME,
            "role": role,
            "at": NOON + timedelta(seconds=second),
            "version": "v1",
            "kind": "direction-trees",
            "content": direction_files()[MODEL].decode(),
            "passed": True,
        }
    )
    return told(served, second)


def fold_of(*events: Event) -> Fold:
    bars = BarKeeper()
    fold = Fold(FoldConfig(), FeatureFeed(SERVED, bars.hear))
    for position, event in enumerate(events):
        fold.apply(position, event)
    return fold


def holder() -> Predictor:
    predictor = Predictor("test")
    predictor.hold(NAME, TREES)
    return predictor


def test_a_version_in_service_says_what_was_measured_when_it_was_trained() -> None:
    [said] = feature_importances(fold_of(change()).state.directions, holder())

    assert (said.model, said.coin, said.role) == (NAME, "BTC", "champion")
    assert said.horizon_seconds == 14_400
    assert said.importances == importances()
    assert said.live is None


def test_once_it_answered_it_says_what_spoke_for_that() -> None:
    fold, predictor = fold_of(*wandering(1_300, 0), change()), holder()
    [asked] = fold.state.directions.asked
    predictor.answer(asked)

    [said] = feature_importances(fold.state.directions, predictor)

    assert said.live is not None
    assert said.live.bar_closed_at == asked.bar_closed_at
    assert said.live.predicted in {"buy", "sell", "hold"}
    assert len(said.live.reasons) == MAX_REASONS


def test_champions_come_first() -> None:
    directions = fold_of(change("challenger"), change(second=2)).state.directions

    said = feature_importances(directions, holder())

    assert [each.role for each in said] == ["champion", "challenger"]


def test_what_is_not_here_or_not_in_service_says_nothing() -> None:
    assert feature_importances(fold_of(change()).state.directions, Predictor("test")) == []
    assert feature_importances(fold_of().state.directions, holder()) == []
