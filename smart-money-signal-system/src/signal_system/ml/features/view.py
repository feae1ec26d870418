"""A named table of features of one kind of thing, and for how long a row of it may be used."""

from dataclasses import dataclass
from datetime import timedelta

from signal_system.ml.features.spec import FeatureSpec


@dataclass(frozen=True, slots=True)
class FeatureView:
    """What a store keeps under one name.

    Attributes
    ----------
    entity
        What a row is about: the column that it is found by.
    ttl
        How long after its event a row may still be used; older is as good as none.
    """

    name: str
    entity: str
    ttl: timedelta
    spec: FeatureSpec


def view(spec: FeatureSpec) -> FeatureView:
    """Return the view of `spec` by coin: a row serves until the bar after the next has closed.

    Examples
    --------
    >>> from signal_system.ml.features.registry import classifier
    >>> told = view(classifier("1h"))
    >>> told.name, told.entity, told.ttl
    ('classifier_1h', 'coin', datetime.timedelta(seconds=7200))
    """
    ttl = timedelta(milliseconds=2 * spec.interval_ms)
    return FeatureView(f"{spec.name}_{spec.interval}", "coin", ttl, spec)
