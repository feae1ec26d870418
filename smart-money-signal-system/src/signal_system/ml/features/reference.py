"""The registry as a page for people: ``docs/reference/features.md``."""

from collections.abc import Iterator

from signal_system.ml.features.feature import Column, Feature
from signal_system.ml.features.regime import regime
from signal_system.ml.features.registry import FEATURES, classifier, smart_money
from signal_system.ml.features.spec import FeatureSpec, GapPolicy

_INTRODUCTION = """\
# Features

Generated from the registry (`signal_system/ml/features/registry.py`) by
`signal-system features list --markdown`; do not edit.

A feature is defined once, as a handle that is opened on history and told one closed bar after the other. Live,
after a restart, from a journal and from a candle file it is the same code in the same loop, so that a model is served
what it was trained on, bit for bit. A row is float32, NaN where something is not known or not defined: never a
made-up zero. It says when its bar closed (`event_time`) and when that was learned (`available_time`); a decision may
use it from then on.

State is opened anew at fixed places of the interval's grid, on a fixed number of bars before. So a value follows from a
bounded stretch of bars, wherever the history began, and a snapshot is those bars and the spec's hash.

## Specs

A spec is an ordered list of features with everything that decides their values: parameters, versions, warm-up, gap
policy, the library's version. Its SHA-256 travels with every file, row, model and prediction; what was made by another
spec is refused.

"""

_SPEC_TABLE = """\
| spec | bars | columns | opened on | at least | every | hash |
|---|---|---|---|---|---|---|
"""

_GAPS = """\
## Bars that are missing, doubled, late, wrong

| what comes | what is done |
|---|---|
| a missing bar | left out: windows are of bars, not of hours; after more than {longest} in a row nothing before them is used |
| the same bar again | nothing |
| a bar that comes late | put in its place; the newest row is told again, available from now on |
| a closed bar with a higher revision | replaces the older one; the newest row is told again |
| a lower revision, or a bar older than everything kept | nothing |
| NaN, infinite, negative or contradicting prices | counts as missing |
| a bar off the interval's grid, or one that was recorded before it closed | counts as missing |
| a bar that is still forming | may be looked at (`peek`), and leaves no trace |
| trades seen for less than 95 % of the candle's volume | what needs the taker's side is NaN |
| less than half of the roster known and fresh | what sums up traders is NaN |

"""

_TABLE = """\
| column | formula | unit | range | history | source |
|---|---|---|---|---|---|
"""


def markdown() -> str:
    """Return the page."""
    return "".join(_pieces())


def _pieces() -> Iterator[str]:
    yield _INTRODUCTION + _SPEC_TABLE
    for spec in (classifier("1h"), smart_money("1h"), regime("1h"), regime("1d")):
        yield _spec(spec)
    yield "\n" + _GAPS.format(longest=GapPolicy().max_missing_bars)
    yield "## Columns\n\n`r` is the log return of a bar; `history` is the bars needed before the first value.\n"
    for group, features in FEATURES.items():
        yield f"\n### {group.capitalize()}\n\n{_TABLE}"
        for feature in features:
            for column in feature.columns:
                yield _row(feature, column)


def _spec(spec: FeatureSpec) -> str:
    cells = (
        spec.name,
        spec.interval,
        str(len(spec.names)),
        f"{spec.warm_up_bars:,} bars",
        f"{spec.least_bars:,}",
        f"{spec.reopen_every_bars:,} bars",
        f"`{spec.hash[:12]}`",
    )
    return f"| {' | '.join(cells)} |\n"


def _row(feature: Feature, column: Column) -> str:
    formula = column.formula.replace("|", "\\|")
    cells = (
        f"`{column.name}`",
        formula,
        column.unit,
        _range(column),
        str(feature.lookback),
        feature.source,
    )
    return f"| {' | '.join(cells)} |\n"


def _range(column: Column) -> str:
    if column.low is None and column.high is None:
        return "any"
    if column.high is None:
        return f"from {column.low:g}"
    return f"{column.low:g} to {column.high:g}"
