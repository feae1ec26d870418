"""A small regime model, prices for it to tell apart, and versions of it in a registry."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from shared_events.envelope import event
from shared_events.payloads import ModelChange
from signal_system.ml.bars import Bars
from signal_system.ml.features.regime import regime
from signal_system.ml.jump_regime import JumpParameters, JumpState
from signal_system.ml.manifest import DataRange, Gate, Manifest, Origin, Signature, canonical
from signal_system.ml.model_kinds import MODEL
from signal_system.ml.model_registry import Candidate, ModelRegistry, regime_name
from signal_system.ml.standing import STATES, RegimeState
from signal_system.testing.events import Event

HOUR_MS = 3_600_000
BEGIN, CUTOFF = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

_DRIFTS = (0.002, 0.0, -0.002, 0.0)
_CENTRES: dict[RegimeState, float] = {"bear": -1.5, "neutral": 0.0, "bull": 1.5}


@cache
def jump_parameters(*, coin: str = "BTC", penalty: float = 5.0) -> JumpParameters:
    """Return three states of hourly bars, told apart by the trend alone."""
    names = regime("1h").names
    trend = [name.startswith("trend") for name in names]
    return JumpParameters(
        coin=coin,
        interval="1h",
        spec_hash=regime("1h").hash,
        means=(0.0,) * len(names),
        scales=tuple(0.1 if each else 100.0 for each in trend),
        clip=4.0,
        penalty=penalty,
        dwell_bars=3,
        states=tuple(
            JumpState(
                name=name,
                centre=tuple(place if each else 0.0 for each in trend),
                share=1 / 3,
                mean_return=0.0,
                volatility=0.01,
            )
            for name, place in _CENTRES.items()
        ),
    )


def cycles(hours: int, *, start: datetime = BEGIN, seed: int = 5) -> list[tuple[int, float]]:
    """Return hourly closes that rise, rest, fall and rest by turns, 300 hours each."""
    random, price, closes = Random(seed), 100.0, []  # noqa: S311 -- a made-up market
    first = round(start.timestamp() * 1000)
    for hour in range(hours):
        price *= 1 + _DRIFTS[hour // 300 % 4] + random.gauss(0, 0.006)
        closes.append((first + hour * HOUR_MS, price))
    return closes


def bars_of(closes: Sequence[tuple[int, float]], length: timedelta = timedelta(hours=1)) -> Bars:
    """Return bars that opened in these milliseconds and closed at these prices."""
    opened, prices = np.array([n for n, _ in closes]), np.array([price for _, price in closes])
    opens = np.concatenate([prices[:1], prices[:-1]])
    return Bars(
        length=length,
        opened=opened,
        opens=opens,
        highs=np.maximum(opens, prices),
        lows=np.minimum(opens, prices),
        closes=prices,
        volumes=np.ones(len(prices)),
    )


def a_candidate(
    *,
    coin: str = "BTC",
    penalty: float = 5.0,
    passed: bool = True,
    lasts: timedelta | None = None,
    **manifest: Any,
) -> Candidate:
    """Return a version of the small model to be, with fields of its manifest set."""
    parameters = jump_parameters(coin=coin, penalty=penalty)
    spec = regime(parameters.interval)
    given: dict[str, Any] = {
        "name": regime_name(coin),
        "kind": parameters.kind,
        "created_at": CUTOFF,
        "data_until": CUTOFF,
        "expires_at": None if lasts is None else CUTOFF + lasts,
        "signature": Signature(
            features_hash=spec.hash, features=spec.names, classes=STATES, output="state"
        ),
        "data": (
            DataRange(
                source="made up", sha256="0" * 64, first=CUTOFF, last=CUTOFF, rows=1, missing=0
            ),
        ),
        "metrics": {"volatility_r2": 0.1},
        "gates": (Gate(name="any", says="a gate", value=1.0, threshold=0.5, passed=passed),),
        "origin": Origin(package="0.1.0", git_commit=None, pins_sha256="0" * 64, libraries={}),
        "seed": 0,
        "trials": 1,
        "parent": None,
        "files": {},
    }
    rows = [[-5.0, 0.02 * n, 0.01 * n, 0.1] for n in range(-10, 10)]
    files = {MODEL: canonical(parameters.model_dump(mode="json"))}
    return Candidate(Manifest(**given | manifest), files, rows)


def a_champion(root: Path, *, now: datetime = CUTOFF, **fields: Any) -> str:
    """Register the small model in `root`, make it champion, and return its version."""
    registry, candidate = ModelRegistry(root), a_candidate(**fields)
    version = registry.add(candidate)
    registry.promote(candidate.manifest.name, version, now)
    return version


def a_model_change(
    at: datetime, version: str | None = "v1", *, coin: str = "BTC", **fields: Any
) -> Event:
    """Return that the small model of `coin` was taken into service at that moment."""
    content = jump_parameters(coin=coin).model_dump_json() if version else None
    kind = "regime-jump" if version else None
    given: dict[str, Any] = {"version": version, "content": content, "kind": kind}
    told = ModelChange(name=regime_name(coin), at=at, **given | fields)
    return event(told, source="signal-system", time=at, recorded_at=at)
