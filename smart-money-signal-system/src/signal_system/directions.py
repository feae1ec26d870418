"""Which classifiers are in service, what they were asked and said, and what they were worth.

A part of the state. A model comes by an event in the journal; whenever a row of its coin's features
is made, it is asked, and whoever holds its trees answers with a `predictions` event, which the
journal keeps too. So a replay needs no trees, and decides the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

from msgspec import Struct
from pydantic import ValidationError

from shared_events.payloads import ModelChange, Outcome, Prediction
from shared_events.types import Action
from signal_system.domain.claims import Bet, Claim
from signal_system.ml.barriers import barriers_at
from signal_system.ml.direction import DirectionParameters
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feed import Told
from signal_system.ml.features.registry import SERVED
from signal_system.ml.model_record import Edges, ModelRecord, edges_of

NAMED = "direction-"
"""What the names of classifiers begin with; horizon and coin follow."""

Role = Literal["champion", "challenger"]
ROLES: tuple[Role, ...] = get_args(Role)

MAX_MODELS = 1_000
MAX_RECORDS = 1_000
BELIEVED_BARS = 2
"""For how long signals follow a prediction: until the bar after the next has closed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ACTIONS: dict[str, Action] = {"buy": "BUY", "sell": "SELL", "hold": "NEUTRAL"}


class Slot(NamedTuple):
    """A place that one version fills."""

    name: str
    role: Role


class Serving(Struct, frozen=True):
    """A version in service: its parameters, until when it is believed, whether its gates are open."""

    name: str
    role: Role
    version: str
    content: str
    passed: bool
    expires_at: datetime | None

    @property
    def slot(self) -> Slot:
        """Its place."""
        return Slot(self.name, self.role)

    @property
    def decides(self) -> bool:
        """Whether signals may follow it."""
        return self.role == "champion" and self.passed


class Asked(Struct, frozen=True):
    """A row that a version is to answer to; `values` are little-endian float32."""

    name: str
    role: Role
    version: str
    decides: bool
    coin: str
    horizon_seconds: int
    at: datetime
    bar_closed_at: datetime
    spec_hash: str
    values: bytes
    reference_price: Decimal
    above: Decimal
    below: Decimal


class Forecast(Struct, frozen=True):
    """What a champion last said."""

    name: str
    version: str
    bar_closed_at: datetime
    believed_until: datetime
    decides: bool
    probabilities: dict[str, float]

    def lead(self, side: int) -> float:
        """Return by how much it holds the side of that sign to be likelier than the other."""
        ahead = self.probabilities["buy"] - self.probabilities["sell"]
        return ahead if side > 0 else -ahead


class DirectionsMemory(Struct):
    """All that `Directions` is made of: a part of the state's snapshot.

    Attributes
    ----------
    asked
        What nobody has answered yet, one row for each place.
    forecasts
        By coin and by model.
    records
        By version and name.
    """

    serving: list[Serving] = []
    degraded: dict[str, str] = {}
    asked: list[Asked] = []
    forecasts: dict[str, dict[str, Forecast]] = {}
    records: dict[str, ModelRecord] = {}


@dataclass(frozen=True, slots=True)
class _Known:
    parameters: DirectionParameters
    edges: Edges


class Directions:
    """See the module.

    Parameters
    ----------
    memory
        Where another one left off.
    """

    def __init__(self, memory: DirectionsMemory | None = None) -> None:
        memory = memory or DirectionsMemory()
        self._serving = {each.slot: each for each in memory.serving}
        self._known = {each.slot: _known(each.content) for each in memory.serving}
        self._asked = {Slot(each.name, each.role): each for each in memory.asked}
        self._degraded, self.records = dict(memory.degraded), dict(memory.records)
        self._forecasts = dict(memory.forecasts)
        self._expires_at = self._next_expiry()

    @property
    def memory(self) -> DirectionsMemory:
        """What it takes to go on from here."""
        return DirectionsMemory(
            serving=list(self._serving.values()),
            degraded=self._degraded,
            asked=list(self._asked.values()),
            forecasts=self._forecasts,
            records=self.records,
        )

    @property
    def serving(self) -> Mapping[Slot, Serving]:
        """The versions in service."""
        return self._serving

    @property
    def versions(self) -> dict[str, str]:
        """The champions in service, by the name of the model."""
        found = {each.name: each.version for each in self._serving.values() if _leads(each)}
        return dict(sorted(found.items()))

    @property
    def challengers(self) -> dict[str, str]:
        """The versions that predict in the shadow, by the name of the model."""
        found = {each.name: each.version for each in self._serving.values() if not _leads(each)}
        return dict(sorted(found.items()))

    @property
    def degraded(self) -> Mapping[str, str]:
        """Why a champion does not serve, by its name."""
        return self._degraded

    @property
    def asked(self) -> Sequence[Asked]:
        """What is to be answered, in the order it was asked."""
        return list(self._asked.values())

    def parameters(self, slot: Slot) -> DirectionParameters:
        """Return those of the version in service there."""
        return self._known[slot].parameters

    def record(self, version: str, name: str) -> ModelRecord | None:
        """Return what the version was worth; None if it never served."""
        return self.records.get(_key(name, version))

    def believed(self, coin: str, now: datetime) -> Iterator[Forecast]:
        """Yield what signals on `coin` may follow now."""
        for forecast in self._forecasts.get(coin, {}).values():
            if forecast.decides and now < forecast.believed_until:
                yield forecast

    def stated(self, coin: str, now: datetime) -> str | None:
        """Return what a signal says took part: versions, why none did, or None if none ever should."""
        versions = sorted(each.version for each in self.believed(coin, now))
        if versions:
            return ", ".join(versions)
        reasons = [why for name, why in self._degraded.items() if name.endswith(f"-{coin}")]
        return f"rules alone: {reasons[0]}"[:500] if reasons else None

    def adopt(self, told: ModelChange) -> Sequence[str]:
        """Let what `told` names serve from here on; return the coins whose decisions may change."""
        if not told.name.startswith(NAMED):
            return ()
        slot = Slot(told.name, told.role)
        coins = self._drop(slot)
        if told.version is not None:
            self._install(slot, told, told.version)
        elif told.reason is not None and told.role == "champion":
            self._degraded[told.name] = told.reason
        self._expires_at = self._next_expiry()
        return coins

    def expire(self, now: datetime) -> Sequence[str]:
        """Drop the versions that are not to be believed at `now`; return the coins it is about."""
        if self._expires_at is None or now < self._expires_at:
            return ()
        coins: list[str] = []
        for slot, each in list(self._serving.items()):
            if each.expires_at is not None and now >= each.expires_at:
                coins += self._drop(slot)
                if _leads(each):
                    until = f"{each.expires_at:%Y-%m-%d %H:%M}"
                    self._degraded[each.name] = f"{each.version} expired on {until}"
        self._expires_at = self._next_expiry()
        return coins

    def ask(self, told: Told, bars: Sequence[Bar], only: Slot | None = None) -> None:
        """Ask the versions of the row's coin, or `only` one.

        Parameters
        ----------
        bars
            The closed ones, the row being the newest's.
        """
        for slot in self._serving if only is None else (only,):
            each, known = self._serving[slot], self._known[slot]
            if known.parameters.coin == told.coin and known.parameters.spec_hash == told.spec.hash:
                asked = _asked(each, known.parameters, told, bars)
                if asked is not None:
                    self._asked[slot] = asked
                    self._record(each.name, each.version).show(told.row.values, known.edges)

    def hear(self, told: Prediction) -> Sequence[str]:
        """Take an answer; return the coins whose decisions may change."""
        slot = Slot(told.model, told.role)
        asked = self._asked.get(slot)
        if asked is not None and (asked.version, asked.at) == (told.model_version, told.at):
            del self._asked[slot]
        serving = self._serving.get(slot)
        if serving is None or serving.version != told.model_version or not _leads(serving):
            return ()
        closed_at = told.bar_closed_at or told.at
        bar = timedelta(milliseconds=self._known[slot].parameters.features.interval_ms)
        self._forecasts.setdefault(told.coin, {})[told.model] = Forecast(
            told.model,
            told.model_version,
            closed_at,
            closed_at + BELIEVED_BARS * bar,
            told.decides,
            dict(told.calibrated_probabilities),
        )
        return (told.coin,) if told.decides else ()

    def score(self, bet: Bet, told: Outcome) -> None:
        """Take what came true of a bet that a version made."""
        name, _, version = bet.model.partition("|")
        if told.realised is not None:
            self._record(name, version).score(
                told.realised,
                bet.probabilities,
                told.resolved_at,
                timedelta(seconds=told.horizon_seconds),
            )

    def _install(self, slot: Slot, told: ModelChange, version: str) -> None:
        try:
            known = _known(told.content or "")
        except ValidationError as e:
            reason = f"{version} cannot be read: {e.errors(include_url=False)[0]['msg']}"
        else:
            reason = _unserved(known.parameters) or ""
            if len(self._serving) >= MAX_MODELS:
                reason = f"{MAX_MODELS} models serve already"
            if not reason:
                self._known[slot] = known
                self._serving[slot] = Serving(
                    *slot, version, told.content or "", bool(told.passed), told.expires_at
                )
        if reason and slot.role == "champion":
            self._degraded[slot.name] = reason

    def _drop(self, slot: Slot) -> Sequence[str]:
        """Let nothing serve in `slot`; return the coin that this is about."""
        self._asked.pop(slot, None)
        gone = self._serving.pop(slot, None)
        known = self._known.pop(slot, None)
        if slot.role == "champion":
            self._degraded.pop(slot.name, None)
        if gone is None or known is None:
            return ()
        coin = known.parameters.coin
        if slot.role == "champion":
            self._forecasts.get(coin, {}).pop(slot.name, None)
        return (coin,)

    def _next_expiry(self) -> datetime | None:
        moments = (each.expires_at for each in self._serving.values())
        return min((at for at in moments if at is not None), default=None)

    def _record(self, name: str, version: str) -> ModelRecord:
        key = _key(name, version)
        if key not in self.records:
            if len(self.records) >= MAX_RECORDS:
                self._forget_a_record()
            self.records[key] = ModelRecord()
        return self.records[key]

    def _forget_a_record(self) -> None:
        """Drop the oldest record of what serves no more."""
        alive = {_key(each.name, each.version) for each in self._serving.values()}
        del self.records[next((key for key in self.records if key not in alive), "")]


def bet_of(told: Prediction, event_id: str) -> Claim | None:
    """Return what the prediction `event_id` claims, if it names the prices it is about."""
    if told.above is None or told.below is None or told.reference_price is None:
        return None
    if told.bar_closed_at is None or told.predicted not in _ACTIONS:
        return None
    return Claim(
        id=event_id,
        coin=told.coin,
        action=_ACTIONS[told.predicted],
        said_at=told.bar_closed_at,
        horizon_seconds=told.horizon_seconds,
        reference_price=told.reference_price,
        bet=Bet(
            _key(told.model, told.model_version),
            told.above,
            told.below,
            dict(told.calibrated_probabilities),
        ),
    )


def _leads(each: Serving) -> bool:
    return each.role == "champion"


def _key(name: str, version: str) -> str:
    return f"{name}|{version}"


def _known(content: str) -> _Known:
    parameters = DirectionParameters.model_validate_json(content)
    return _Known(parameters, edges_of(parameters.seen))


def _unserved(parameters: DirectionParameters) -> str | None:
    if parameters.spec_hash in {spec.hash for spec in SERVED}:
        return None
    return f"the features {parameters.spec!r} of {parameters.interval} bars are not served live"


def _asked(
    each: Serving, parameters: DirectionParameters, told: Told, bars: Sequence[Bar]
) -> Asked | None:
    """Return the question; None if the row came too late to decide by, or nothing can be bet on."""
    row, length_ms = told.row, told.spec.interval_ms
    if row.available_ms - row.event_ms >= length_ms:
        return None
    horizon_bars = parameters.horizon_seconds * 1_000 / length_ms
    prices = barriers_at([bar.close for bar in bars], parameters.barriers, horizon_bars)
    if prices is None:
        return None
    above, below = (Decimal(repr(price)) for price in prices)
    return Asked(
        name=each.name,
        role=each.role,
        version=each.version,
        decides=each.decides,
        coin=told.coin,
        horizon_seconds=parameters.horizon_seconds,
        at=_moment(row.available_ms),
        bar_closed_at=_moment(row.event_ms),
        spec_hash=told.spec.hash,
        values=row.values.astype("<f4").tobytes(),
        reference_price=Decimal(repr(bars[-1].close)),
        above=above,
        below=below,
    )


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND
