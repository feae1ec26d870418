import pytest
from pydantic import ValidationError

from signal_system.ml.jump_regime import JumpParameters, JumpRegime
from signal_system.testing.regimes import jump_parameters

PARAMETERS = jump_parameters()
MODEL = JumpRegime("t", PARAMETERS)


def test_it_is_what_its_json_says() -> None:
    assert JumpParameters.model_validate_json(PARAMETERS.model_dump_json()) == PARAMETERS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"means": (0.0,)}, "one number for each feature"),
        ({"scales": (0.0,) * 4}, "above 0"),
        ({"spec_hash": "0" * 64}, "other features than this build"),
        ({"penalty": 0.0}, "greater than 0"),
        ({"clip": float("nan")}, "finite|greater"),
        ({"states": ()}, "at least 2"),
        ({"interval": "4h"}, "1h"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_one_that_could_not_be_served_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        JumpParameters.model_validate({**PARAMETERS.model_dump(), **change})


def test_an_outlier_counts_as_far_as_the_clip() -> None:
    assert MODEL.standardised([1e9, -1e9, 0.2, 0.0]) == pytest.approx((4.0, -4.0, 2.0, 0.0))


def test_two_states_of_one_name_share_its_probability() -> None:
    bear, neutral, bull = PARAMETERS.states
    twice = (bear, neutral.model_copy(update={"name": "bear"}), bull)
    model = JumpRegime("t", PARAMETERS.model_copy(update={"states": twice}))

    _, sight = model.judge((), [0.0, -0.1, -0.1, 0.0])

    assert sight.state == "bear"
    assert sight.probabilities.keys() == {"bear", "bull"}
    assert sum(sight.probabilities.values()) == pytest.approx(1)
