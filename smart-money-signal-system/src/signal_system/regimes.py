"""Which regime every coin is in: its own promoted model's, else the market's, else a band's.

The market is one coin. A model comes by an event in the journal, takes over the bars that are kept,
and is dropped when it expires: then the band speaks again, and it is said why.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct
from pydantic import ValidationError

from shared_events.payloads import Candle, ModelChange, Regime
from signal_system.ml.band import Band
from signal_system.ml.features.regime import regime as features_of
from signal_system.ml.jump_regime import JumpInterval, JumpParameters, JumpRegime
from signal_system.ml.regime_detection import (
    EPOCH,
    INTERVALS,
    MILLISECOND,
    Close,
    DetectorSnapshot,
    MarketRegimeDetector,
    Memory,
    RegimeModel,
)
from signal_system.ml.standing import RegimeState, Sight, Standing

MARKET = "market"
"""The scope of the regime that every coin is in, for want of its own."""

NAMED = "regime-"
"""What the names of regime models begin with; the coin follows."""

_INTERVALS: tuple[JumpInterval, ...] = ("1h", "1d")
_NEWS_BARS = 2  # an older bar is history being loaded, and no sign of life


class News(NamedTuple):
    """A scope to tell of; `previous` is the state it turned from, None if it only lasts."""

    scope: str
    previous: RegimeState | None


class Found(NamedTuple):
    """The regime that a coin is in: whose it is, what holds, and which model says so."""

    scope: str
    standing: Standing
    version: str


class Adopted(Struct, frozen=True):
    """A model in service: its artefact, and until when it is believed."""

    version: str
    interval: JumpInterval
    content: str
    expires_at: datetime | None


class SavedDetector(Struct):
    """A detector, and whose bars of which length it is told."""

    coin: str
    interval: JumpInterval
    body: DetectorSnapshot


class RegimesSnapshot(Struct):
    """All that `Regimes.restore` needs."""

    baseline: DetectorSnapshot
    detectors: list[SavedDetector]
    adopted: dict[str, Adopted]
    degraded: dict[str, str]


class Regimes:
    """The regimes of the market and of the coins with a model of their own.

    Parameters
    ----------
    market_coin
        Whose regime is the market's. Its bars are kept even without a model, so that one that is
        promoted can speak at once; those of other coins are kept from the promotion on.
    baseline
        Speaks for the market while no model does.
    """

    def __init__(self, market_coin: str, baseline: Band) -> None:
        self._market_coin = market_coin
        self._baseline = MarketRegimeDetector(baseline)
        self._detectors: dict[tuple[str, JumpInterval], MarketRegimeDetector] = {}
        self._adopted: dict[str, Adopted] = {}
        self._degraded: dict[str, str] = {}
        for interval in _INTERVALS:
            self._silence(market_coin, interval)

    @property
    def scopes(self) -> Sequence[str]:
        """The market and every coin with a model, if any bar of theirs is known."""
        coins = (self._market_coin, *sorted(self._adopted.keys() - {self._market_coin}))
        return [self._scope(coin) for coin in coins if self._speaks(coin)]

    @property
    def versions(self) -> dict[str, str]:
        """The version in service, by the name of the model."""
        return {NAMED + coin: each.version for coin, each in self._adopted.items()}

    @property
    def degraded(self) -> dict[str, str]:
        """Why a model that was promoted does not speak, by its name."""
        return {NAMED + coin: reason for coin, reason in self._degraded.items()}

    def of(self, coin: str) -> Found | None:
        """Return the regime of `coin`: its own if it has one that knows, else the market's."""
        for name in (coin, self._market_coin):
            speaker = self._speaker(name)
            if speaker is not None and speaker.standing.state != "unknown":
                return Found(self._scope(name), speaker.standing, speaker.model.version)
        return None

    def version(self, coin: str) -> str:
        """Return which model speaks for `coin`, whether it knows a state or not."""
        found = self.of(coin)
        market = self._speaker(self._market_coin) or self._baseline
        return found.version if found else market.model.version

    def fact(self, news: News) -> Regime:
        """Return `news` as the event that tells it."""
        coin = self._market_coin if news.scope == MARKET else news.scope
        speaker = self._speaker(coin) or self._baseline
        standing = speaker.standing
        return Regime(
            scope=news.scope,
            at=speaker.closed_at,
            interval=speaker.model.interval,
            state=standing.state,
            age_bars=standing.age_bars,
            model_version=speaker.model.version,
            probabilities=dict(standing.probabilities),
            candidate=standing.candidate,
            revision=speaker.revision,
            previous=news.previous,
            degraded=self._degraded.get(coin),
        )

    def hear(self, told: Candle, price: float, now: datetime) -> Sequence[News]:
        """Take a final candle that closed at `price`; return whom there is something to tell of."""
        listeners = [each for (coin, _), each in self._detectors.items() if coin == told.coin]
        if told.coin == self._market_coin:
            listeners.append(self._baseline)
        if not listeners:
            return ()
        speaker = self._speaker(told.coin) or self._baseline
        before, bar = speaker.standing.state, speaker.closed_at
        for listener in listeners:
            opened = _bar(told, INTERVALS[listener.model.interval])
            if opened is not None:
                listener.close((opened - EPOCH) // MILLISECOND, price)
        if speaker.standing.state != before:
            return (News(self._scope(told.coin), before),)
        age = (now - speaker.closed_at) / INTERVALS[speaker.model.interval]
        if speaker.closed_at > bar and age < _NEWS_BARS:
            return (News(self._scope(told.coin), None),)
        return ()

    def adopt(self, told: ModelChange) -> Sequence[News]:
        """Let the model in `told` decide from here on; return whom there is something to tell of."""
        coin = told.name.removeprefix(NAMED)
        if coin == told.name:
            return ()
        speaker = self._speaker(coin)
        before = speaker.standing.state if speaker else "unknown"
        self._drop(coin)
        if told.version is not None:
            self._install(coin, told, told.version)
        return self._since(coin, before)

    def expire(self, now: datetime) -> Sequence[News]:
        """Drop the models that are not to be believed at `now`; return whom there is to tell of."""
        news: list[News] = []
        for coin, model in list(self._adopted.items()):
            if model.expires_at is not None and now >= model.expires_at:
                before = self._detectors[coin, model.interval].standing.state
                self._drop(coin)
                until = f"{model.expires_at:%Y-%m-%d %H:%M}"
                self._degraded[coin] = f"{NAMED}{coin} {model.version} expired on {until}"
                news += self._since(coin, before)
        return news

    def digest(self) -> Sequence[tuple[str, str, str, int]]:
        """Return what is said, in few words: scope, model, state, age."""
        facts = [self.fact(News(scope, None)) for scope in self.scopes]
        return [(each.scope, each.model_version, each.state, each.age_bars) for each in facts]

    def snapshot(self) -> RegimesSnapshot:
        """Return what `restore` needs to go on from here."""
        return RegimesSnapshot(
            baseline=self._baseline.snapshot(),
            detectors=[
                SavedDetector(coin, interval, each.snapshot())
                for (coin, interval), each in self._detectors.items()
            ],
            adopted=self._adopted,
            degraded=self._degraded,
        )

    def restore(self, saved: RegimesSnapshot) -> None:
        """Become what `saved` was taken of; this must be new."""
        self._adopted, self._degraded = dict(saved.adopted), dict(saved.degraded)
        self._baseline = MarketRegimeDetector(self._baseline.model, saved.baseline)
        for each in saved.detectors:
            adopted = self._adopted.get(each.coin)
            rule: RegimeModel = Silent(each.interval)
            if adopted is not None and adopted.interval == each.interval:
                rule = JumpRegime(adopted.version, _parameters(adopted.content))
            self._detectors[each.coin, each.interval] = MarketRegimeDetector(rule, each.body)

    def _install(self, coin: str, told: ModelChange, version: str) -> None:
        content = told.content or ""
        try:
            parameters = _parameters(content)
        except ValidationError as e:
            reason = e.errors(include_url=False)[0]["msg"]
            self._degraded[coin] = f"{told.name} {version} cannot be read: {reason}"
            return
        key = coin, parameters.interval
        closes = self._detectors[key].closes if key in self._detectors else ()
        self._detectors[key] = MarketRegimeDetector.opened(JumpRegime(version, parameters), closes)
        self._adopted[coin] = Adopted(version, parameters.interval, content, told.expires_at)

    def _drop(self, coin: str) -> None:
        """Let no model speak for `coin`; the market's bars are kept for the next one."""
        model = self._adopted.pop(coin, None)
        self._degraded.pop(coin, None)
        if model is not None:
            self._silence(coin, model.interval)
            if coin != self._market_coin:
                del self._detectors[coin, model.interval]

    def _silence(self, coin: str, interval: JumpInterval) -> None:
        known = self._detectors.get((coin, interval))
        closes = known.closes if known else ()
        self._detectors[coin, interval] = MarketRegimeDetector.opened(Silent(interval), closes)

    def _since(self, coin: str, before: RegimeState) -> Sequence[News]:
        """Return what there is to tell after another model began to speak for `coin`."""
        speaker = self._speaker(coin)
        if speaker is None or not speaker.closes:
            return ()
        return (News(self._scope(coin), None if speaker.standing.state == before else before),)

    def _speaker(self, coin: str) -> MarketRegimeDetector | None:
        model = self._adopted.get(coin)
        if model is not None:
            return self._detectors[coin, model.interval]
        return self._baseline if coin == self._market_coin else None

    def _speaks(self, coin: str) -> bool:
        speaker = self._speaker(coin)
        return speaker is not None and bool(speaker.closes)

    def _scope(self, coin: str) -> str:
        return MARKET if coin == self._market_coin else coin


class Silent:
    """The rule that never says anything: its detector keeps bars for a model to come."""

    version = "none"
    dwell_bars = 1

    def __init__(self, interval: JumpInterval) -> None:
        self.interval, self.kept_bars = interval, features_of(interval).kept_bars

    def view(self, closes: Sequence[Close]) -> "Silent":
        """Look at nothing."""
        del closes
        return self

    def see(self, opened_ms: int, price: float) -> None:
        """See nothing."""
        del opened_ms, price

    def judge(self, memory: Memory, row: Sequence[float]) -> tuple[Memory, Sight]:
        """Is never asked, for want of anything seen."""
        del row
        return memory, Sight("unknown", {})


def _parameters(content: str) -> JumpParameters:
    return JumpParameters.model_validate_json(content)


def _bar(told: Candle, length: timedelta) -> datetime | None:
    """Return when the bar of `length` opened that `told` closes; None if it closes none.

    A bar's close is the close of its last hour, so hourly candles are all that is needed.
    """
    if INTERVALS.get(told.interval) == length:
        return told.open_time
    if told.interval != "1h":
        return None
    opened = told.open_time - (told.open_time - EPOCH) % length
    return opened if told.open_time + INTERVALS["1h"] == opened + length else None
