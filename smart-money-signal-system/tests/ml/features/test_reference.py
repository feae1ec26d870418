from pathlib import Path

from signal_system.ml.features.reference import markdown
from signal_system.ml.features.registry import FEATURES

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "features.md"


def test_the_reference_is_what_the_registry_says() -> None:
    assert PAGE.read_text() == markdown(), (
        "write it anew: signal-system features list --markdown > docs/reference/features.md"
    )


def test_every_column_is_in_the_reference() -> None:
    page = markdown()

    for features in FEATURES.values():
        for feature in features:
            for column in feature.columns:
                assert f"| `{column.name}` |" in page
