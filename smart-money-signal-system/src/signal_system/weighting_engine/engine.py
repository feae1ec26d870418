"""Keeps up what every voter's opinion is worth: constant time an event, everybody anew every bar."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isnan

import numpy as np
from msgspec import Struct

from signal_system.domain.exposure import Pooling, Voice
from signal_system.weighting_engine import crowding
from signal_system.weighting_engine.columns import Columns, Floats, Ints, Saved
from signal_system.weighting_engine.config import WeightingConfig
from signal_system.weighting_engine.contest import ACCOUNTS, Contest, ContestSnapshot
from signal_system.weighting_engine.copyability import Copyability, CopyabilitySnapshot
from signal_system.weighting_engine.dimensions import DIMENSIONS
from signal_system.weighting_engine.entities import Habits
from signal_system.weighting_engine.evidence import Evidence
from signal_system.weighting_engine.following import Following, Move
from signal_system.weighting_engine.judging import Judge, Verdict, habits_of
from signal_system.weighting_engine.paper import Bar, Paper, PaperSnapshot, Wish
from signal_system.weighting_engine.roll import Roll, RollSnapshot
from signal_system.weighting_engine.schemes import COMBINED, EXPERTS, SCHEMES, ScoreOver100
from signal_system.weighting_engine.skill import finished
from signal_system.weighting_engine.voters import Voters

PPM = 10**6
USUAL_BOOK_USD = 10_000.0
"""What everybody is taken to hold at its usual risk of one deviation a bar, where a scheme is relative."""

_REASONS = (*(each.name for each in DIMENSIONS), "scheme")
_REMEMBERED = 8  # changes of a weight
_NOTICEABLE = 0.05
_FIRST = len(ACCOUNTS)  # accounts on paper before those of the voters
_KEPT = ("skill", "top_skill", "left", "regime", "trust", "uniqueness")


class EngineSnapshot(Struct, kw_only=True):
    """Everything the engine is made of."""

    now: float
    bars: int
    scheme: str
    pooling: Pooling
    regimes: dict[str, float]
    roll: RollSnapshot
    paper: PaperSnapshot
    evidence: Saved
    contest: ContestSnapshot
    following: Following
    copyability: CopyabilitySnapshot
    table: Saved


class TraderWeightingEngine:
    """Gives every voter a weight, by the configured scheme, and runs all others beside it.

    What happened is told by `enrol`, `note`, `follow`, `hear`, `see_regimes` and `pass_to`, each in
    constant time. Whenever time has come to `bar_ends_at`, somebody has to `weigh_anew`, in steps of
    a few milliseconds, between which others may run. Nothing here knows another time.

    Parameters
    ----------
    config
        Names the scheme and holds every constant.

    Attributes
    ----------
    roll
        Who the voters are; a voter's number is the row in every table.
    scheme
        The name of the scheme by which voices count: the configured one, unless that learns and too
        few can be judged yet. Until then the roster's score speaks, and every signal says so.
    pooling
        How the stakes in a coin become a tilt.
    """

    def __init__(self, config: WeightingConfig) -> None:
        self.config = config
        self.roll = Roll()
        self.paper = Paper(config.paper)
        self.contest = Contest(self.paper, config.hedge, config.evidence, config.paper)
        self.evidence = Evidence(config.evidence, config.paper.bar_seconds)
        self.following = Following()
        self.copyability = Copyability()
        learns = config.scheme == COMBINED or SCHEMES[config.scheme].learns
        self.scheme = ScoreOver100.name if learns else config.scheme
        self.pooling = Pooling()
        self.bar: Bar | None = None
        self.verdict: Verdict | None = None
        self._judge = Judge(config)
        self._regimes: dict[str, float] = {}
        self._now, self._bars = 0.0, -1
        self._changed: list[str] = []
        self._table = Columns(
            {
                **dict.fromkeys(_KEPT, "f8"),
                "dimensions": f"({len(DIMENSIONS)},)f8",
                "weights": f"({len(EXPERTS)},)f8",
                "ppm": "i8",
                "loudness": "i8",
                "newest": "i8",
                "when": f"({_REMEMBERED},)f8",
                "became": f"({_REMEMBERED},)f8",
                "because": f"({_REMEMBERED},)i8",
                "echo": f"({config.crowding.echo_bars},)i1",
            }
        )

    def enrol(self, name: str, *, tracked: bool) -> int | None:
        """Note that a voter is or is no longer on the roster; return its number, if it has one."""
        number = self.roll.enrol(name, self._now) if tracked else self.roll.number(name)
        if number is None:
            return None
        if number == self._table.rows:
            self._open()
        self.roll.track(number, tracked=tracked)
        return number

    def note(self, name: str, **facts: float | None) -> None:
        """Take note of what was told of a voter: some of `roll.FACTS`; None says nothing."""
        number = self.roll.number(name)
        if number is not None:
            self.roll.note(number, **facts)

    def follow(self, number: int, coin: str, size: float, equity: float | None, side: int) -> None:
        """Take note that a voter moved to `side` in a coin and now holds `size` of it.

        Parameters
        ----------
        size
            In the coin, signed.
        equity
            What all its accounts are worth, in USD; None if nobody told.
        """
        if equity is not None:
            self.roll.columns.whole("equity")[number] = equity
        due = self._now + self.config.paper.delay_seconds
        self.paper.follow(coin, Wish(due, _FIRST + number, size, equity))
        within = self.config.crowding.follow_seconds
        self.following.move(number, Move(coin, side, self._now), within)
        self.copyability.move(number, coin, side, self._now)

    def hear(self, coin: str, price: float, at: float, funding_hourly: float | None = None) -> None:
        """Take a coin's price at the moment `at`, in seconds since 1970."""
        self.paper.hear(coin, price, at, funding_hourly)
        self.copyability.hear(coin, price, at)

    def see_regimes(self, probabilities: Mapping[str, float]) -> None:
        """Take note of how probable the market's states now are."""
        self._regimes = dict(probabilities)

    @property
    def bar_ends_at(self) -> float:
        """When to weigh everybody anew, in seconds since 1970."""
        return (self._bars + 1.0) * self.config.paper.bar_seconds

    def pass_to(self, now: float) -> None:
        """Let time pass until `now`, in seconds since 1970; what is due by then is due."""
        if now > self._now:
            self.paper.settle()
            self.copyability.settle()
        elif now < self._now:
            self.paper.rewind(now)
            self.copyability.rewind()
            self._bars = int(now // self.config.paper.bar_seconds)
        self._now = now

    def weigh_anew(self) -> Iterator[None]:
        """End the bar that is over and weigh everybody; yields between steps of work."""
        bars, is_first = int(self._now // self.config.paper.bar_seconds), self._bars < 0
        self._bars = bars
        if not is_first:
            yield from self._end_bar(bars * float(self.config.paper.bar_seconds))

    def ppm(self, name: str, score: Decimal | float | None) -> int:
        """Return what a tracked voter's opinion counts now, in parts per million of a full voice.

        Parameters
        ----------
        score
            The roster's word on it, which is all that a scheme knows that does not learn.
        """
        scheme = SCHEMES.get(self.scheme)
        if scheme is not None and not scheme.learns:
            told = np.array([np.nan if score is None else float(score)])
            return int(round(float(scheme.weigh(Voters.unknown(1, score=told))[0]) * PPM, 3))
        number = self.roll.number(name)
        return 0 if number is None else int(self._table.whole("ppm")[number])

    def voice(self, name: str, score: Decimal | float | None) -> Voice:
        """Return what a tracked voter's opinion counts now, and what a unit of its size does.

        A relative scheme brings every voter to the same usual book, `USUAL_BOOK_USD`.
        """
        weight, number = self.ppm(name, score), self.roll.number(name)
        if not self._is_relative:
            return Voice(weight, weight)
        return Voice(weight, 0 if number is None else int(self._table.whole("loudness")[number]))

    @property
    def _is_relative(self) -> bool:
        return self.scheme in SCHEMES and SCHEMES[self.scheme].relative

    def dimensions(self, name: str, score: Decimal | float | None) -> dict[str, float]:
        """Return what a voter's weight is made of, less what cannot be told."""
        number = self.roll.number(name)
        told = {} if score is None else {"score": float(score) / 100}
        if number is None:
            return told
        found = self._table.whole("dimensions")[number].tolist()
        named = zip((each.name for each in DIMENSIONS), found, strict=True)
        return told | {name: value for name, value in named if not isnan(value)}

    def changed(self) -> list[str]:
        """Return whose weight has changed since this was last asked, evidence having come in."""
        changed, self._changed = self._changed, []
        return changed

    def voters(self, which: Ints | slice = slice(None)) -> Voters:
        """Return what is known of some voters, or of all."""
        told, kept = self.roll.columns, self._table
        return Voters(
            tracked=told["tracked"][which],
            score=told["score"][which],
            roi=told["roi"][which],
            equity=told["equity"][which],
            **{name: kept[name][which] for name in _KEPT},
        )

    def weights(self) -> Floats:
        """Return what each expert gave every voter at the last bar's end, a column each."""
        weights: Floats = self._table["weights"]
        return weights

    def habits(self) -> Habits:
        """Return how everybody trades, as of now."""
        columns, rules = self.roll.columns, self.config.paper
        return habits_of(self.paper.accounts, _FIRST, columns, self._now, rules)

    def judged(self) -> Verdict:
        """Return what was said of everybody at the last bar's end, worked out again if need be."""
        if self.verdict is None:
            work = self._judge.work(
                self.evidence.estimates(),
                self.habits(),
                self._table["uniqueness"],
                self._regimes,
            )
            self.verdict = finished(work)
        return self.verdict

    def holding_seconds(self, number: int) -> float:
        """Return how long a voter usually holds."""
        return float(self.paper.holding_seconds()[_FIRST + number])

    def leader(self, number: int) -> int | None:
        """Return whom a voter repeats; None if it speaks for itself."""
        return self.following.followers(self.config.crowding.follows).get(number)

    def history(self, number: int) -> list[tuple[float, float, str]]:
        """Return when a voter's weight changed noticeably, what to, and because of what; oldest first.

        The reason is the dimension that changed most, or the scheme where none did.
        """
        cells = (self._table.whole(name)[number] for name in ("when", "became", "because"))
        rows = sorted(zip(*(each.tolist() for each in cells), strict=True))
        return [(at, weight, _REASONS[why]) for at, weight, why in rows if at]

    def snapshot(self) -> EngineSnapshot:
        """Return what `restore` needs to go on from here."""
        return EngineSnapshot(
            now=self._now,
            bars=self._bars,
            scheme=self.scheme,
            pooling=self.pooling,
            regimes=self._regimes,
            roll=self.roll.snapshot(),
            paper=self.paper.snapshot(),
            evidence=self.evidence.snapshot(),
            contest=self.contest.snapshot(),
            following=self.following,
            copyability=self.copyability.snapshot(),
            table=self._table.saved(),
        )

    def restore(self, saved: EngineSnapshot) -> None:
        """Become what `saved` was taken of; this one must be new."""
        self._now, self._bars, self._regimes = saved.now, saved.bars, saved.regimes
        self.scheme, self.pooling = saved.scheme, saved.pooling
        self.following = saved.following
        self.roll.restore(saved.roll)
        self.paper.restore(saved.paper)
        self.evidence.restore(saved.evidence)
        self.contest.restore(saved.contest)
        self.copyability.restore(saved.copyability)
        self._table.restore(saved.table)

    def _open(self) -> None:
        self.paper.open()
        self.evidence.open()
        self.copyability.open()
        unknown = dict.fromkeys(("skill", "left", "regime", "dimensions"), np.nan)
        self._table.add(**unknown, trust=1.0, uniqueness=1.0)

    def _end_bar(self, at: float) -> Iterator[None]:
        bar = self.paper.close_bar(at)
        if bar is None:
            return
        self.bar = bar
        yield
        self.contest.learn(bar)
        theirs = bar.rows(slice(_FIRST, None))
        self.evidence.add(theirs, self._regimes)
        self._echo(theirs)
        yield
        labels = self._compare()
        yield
        voice = self._table["uniqueness"]
        found = self.evidence.estimates()
        self.verdict = yield from self._judge.work(found, self.habits(), voice, self._regimes)
        self._keep(self.verdict)
        yield
        yield from self._weigh(labels, at)

    def _echo(self, bar: Bar) -> None:
        square = self.evidence.columns["square"]
        place = self._bars % self.config.crowding.echo_bars
        self._table["echo"][:, place] = crowding.echo(bar.timing, np.sqrt(square))

    def _keep(self, verdict: Verdict) -> None:
        table = self._table
        table["skill"], table["regime"], table["trust"] = (
            verdict.skill,
            verdict.regime,
            verdict.trust,
        )
        table["top_skill"] = np.full(table.rows, verdict.top)
        table["left"] = self.paper.left()[_FIRST:]

    def _compare(self) -> Ints:
        """Compare the heaviest voters; return everybody's cluster."""
        rules, table = self.config.crowding, self._table
        raw = np.nan_to_num(table["skill"]) * table["trust"] * self.roll.columns["tracked"]
        heaviest = np.sort(np.argsort(-raw, kind="stable")[: rules.compared])
        heaviest = heaviest[raw[heaviest] > 0]
        alike = crowding.correlations(table["echo"][heaviest])
        labels: Ints = np.arange(table.rows)
        labels[heaviest] = heaviest[crowding.clusters(alike, rules.same)]
        self.following.watch(_groups(labels[heaviest], heaviest))
        followers = list(self.following.followers(rules.follows))
        leads = ~np.isin(heaviest, followers)
        unique = np.ones(table.rows)
        unique[heaviest[leads]] = crowding.uniqueness(alike[leads][:, leads], rules.sharpness)
        unique[followers] = 0.0
        table["uniqueness"] = unique
        return labels

    def _weigh(self, labels: Ints, at: float) -> Iterator[None]:
        rules, weights = self.config.crowding, self._table["weights"]
        voters = self.voters()
        risk = np.where(voters.equity > 0, self.evidence.per_risk(), 0.0)
        dimensions = self._table["dimensions"].copy()
        self._table["dimensions"] = np.stack([each.of(voters) for each in DIMENSIONS], axis=1)
        self.contest.read_books()
        yield
        for number, expert in enumerate(EXPERTS):
            raw = np.where(voters.tracked, expert.weigh(voters), 0.0)
            if expert.learns:
                raw = crowding.audible(raw, rules.audible)
                raw = crowding.bounded(raw, labels, rules.entity_cap, rules.cluster_cap)
            weights[:, number] = raw
            self.contest.follow(expert, raw * risk if expert.relative else raw, at)
            yield
        self.contest.follow_all(at)
        before = self.scheme
        if self.verdict and self.verdict.population.voters >= self.config.skill.least_voters:
            self.scheme = self.config.scheme
        served = (
            self.contest.combined(weights)
            if self.scheme == COMBINED
            else weights[:, list(SCHEMES).index(self.scheme)]
        )
        self._note_changes(served, dimensions)
        yield
        self._settle(served)
        if self.scheme != before:
            self._changed = list(self.roll.names)

    def _settle(self, weights: Floats) -> None:
        ppm = np.rint(weights * PPM).astype(np.int64)
        loudness = ppm
        if self._is_relative:
            loudness = np.rint(weights * self._per_book() * PPM).astype(np.int64)
        is_news = (ppm != self._table["ppm"]) | (loudness != self._table["loudness"])
        self._table["ppm"], self._table["loudness"] = ppm, loudness
        self._changed = [self.roll.names[number] for number in np.flatnonzero(is_news).tolist()]
        self.pooling = Pooling()
        if self._is_relative:
            usual, lean = self.contest.common[self.scheme]
            self.pooling = Pooling(usual * USUAL_BOOK_USD, lean)

    def _per_book(self) -> Floats:
        """Return what brings everybody's usual book, an exposure of its usual risk, to the same USD."""
        equity = self.roll.columns["equity"]
        worth = np.where(equity > 0, np.maximum(equity, 1.0), np.inf)
        limit = self.config.paper.leverage_limit
        book: Floats = self.evidence.per_risk() * USUAL_BOOK_USD / limit / worth
        return book

    def _note_changes(self, weights: Floats, before: Floats) -> None:
        """Write down whose weight changed by enough to be told of, and what changed most with it."""
        table = self._table
        last = np.take_along_axis(table["became"], table["newest"][:, None], 1)[:, 0]
        rows = np.flatnonzero(np.abs(weights - last) >= _NOTICEABLE)
        moved = np.abs(np.nan_to_num(table["dimensions"][rows]) - np.nan_to_num(before[rows]))
        why = np.where(moved.max(axis=1, initial=0.0) > 0, moved.argmax(axis=1), len(DIMENSIONS))
        place = (table["newest"][rows] + 1) % _REMEMBERED
        table["newest"][rows] = place
        table["when"][rows, place] = self._now
        table["became"][rows, place] = weights[rows]
        table["because"][rows, place] = why


def _groups(labels: Ints, members: Ints) -> list[tuple[int, ...]]:
    """Return the members of every cluster of several."""
    groups: dict[int, list[int]] = {}
    for label, member in zip(labels.tolist(), members.tolist(), strict=True):
        groups.setdefault(label, []).append(member)
    return [tuple(group) for group in groups.values() if len(group) > 1]
