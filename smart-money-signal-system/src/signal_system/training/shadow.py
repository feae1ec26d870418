"""Champion against challenger on what both predicted while they served: recorded, then come true.

Both answered to the same bars, the challenger in the shadow. Of the predictions whose outcomes do
not overlap, the differences of their losses are bets against "the challenger is no better": an
e-process (Waudby-Smith and Ramdas 2023; Choe and Ramdas, arXiv 2110.00115). Ville's inequality
bounds how often it ever reaches 20 without cause by one in twenty, however often one looks.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any, NamedTuple

from shared_events.envelope import StandardEvent
from shared_events.journal import Tick, decode_record, read
from shared_events.payloads import Candle, Prediction
from signal_system.directions import bet_of
from signal_system.domain.claims import ClosedBar
from signal_system.price_history import is_final
from signal_system.signal_generation.outcomes import Outcomes, Terms

ENOUGH = 20.0
"""Evidence at which a contest is decided: in one of twenty at most it is by chance."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST = 1e-12
_LARGEST_STAKE = 0.5
_TERMS = Terms(cost=Decimal(0), near=timedelta(0), late=timedelta(days=36_500))


class Contest(NamedTuple):
    """What came of it: blocks counted, mean losses, and the evidence for either side."""

    blocks: int
    champion_loss: float | None
    challenger_loss: float | None
    evidence: float
    counter_evidence: float

    @property
    def is_won(self) -> bool:
        """Whether the challenger is better."""
        return self.evidence >= ENOUGH

    @property
    def is_lost(self) -> bool:
        """Whether it is worse."""
        return self.counter_evidence >= ENOUGH


class Scored(NamedTuple):
    """The loss of one prediction: which bar it was about, by which version."""

    version: str
    bar_closed_at: datetime
    horizon: timedelta
    log_loss: float


def contested(journal: Path, name: str, champion: str, challenger: str) -> Contest:
    """Return how `challenger` did beside `champion`, from what a service recorded."""
    scored = list(losses(_records(journal), name, {champion, challenger}))
    return contest(scored, champion, challenger)


def losses(
    records: Iterable[StandardEvent[Any]], name: str, versions: set[str]
) -> Iterable[Scored]:
    """Yield the loss of every prediction of these versions of `name` that came true or did not."""
    open_, asked = Outcomes(), dict[str, Prediction]()
    for record in records:
        told = record.data
        if isinstance(told, Prediction) and told.model == name and told.model_version in versions:
            claim = bet_of(told, record.id)
            if claim is not None and claim.bet and open_.join(claim, repeats=claim.bet.model):
                asked[claim.id] = told
        elif (
            isinstance(told, Candle)
            and told.interval == "1h"
            and is_final(told, record.recorded_at)
        ):
            prices = told.high, told.low, told.close
            bar = ClosedBar(told.coin, told.open_time, told.close_time, *prices)
            for bet, outcome in open_.see(bar, _TERMS):
                said = asked.pop(outcome.signal_id)
                share = bet.probabilities.get(outcome.realised or "", 0.0)
                yield Scored(
                    said.model_version,
                    said.bar_closed_at or said.at,
                    timedelta(seconds=said.horizon_seconds),
                    -log(max(share, _LEAST)),
                )


def contest(scored: Sequence[Scored], champion: str, challenger: str) -> Contest:
    """Return what the losses of two versions say, on bars that both answered to."""
    by_bar: dict[datetime, dict[str, Scored]] = {}
    for each in scored:
        by_bar.setdefault(each.bar_closed_at, {})[each.version] = each
    pairs, window = list[tuple[float, float]](), -1
    for closed_at, both in sorted(by_bar.items()):
        if {champion, challenger} <= both.keys():
            block = (closed_at - _EPOCH) // both[champion].horizon
            if block > window:
                window = block
                pairs.append((both[champion].log_loss, both[challenger].log_loss))
    gains = [old - new for old, new in pairs]
    return Contest(
        blocks=len(pairs),
        champion_loss=sum(old for old, _ in pairs) / len(pairs) if pairs else None,
        challenger_loss=sum(new for _, new in pairs) / len(pairs) if pairs else None,
        evidence=evidence(gains),
        counter_evidence=evidence([-gain for gain in gains]),
    )


def evidence(gains: Sequence[float]) -> float:
    """Return the most that a gambler ever owned who began with 1 and bet on gains above 0.

    Gains are cut to [-1, 1]; each stake follows from the gains before it alone.

    Examples
    --------
    >>> evidence([0.0, 0.0]), evidence([0.2] * 60) > 20, evidence([-0.2] * 60)
    (1.0, True, 1.0)
    """
    wealth = most = 1.0
    mean = squares = 0.0
    for count, gain in enumerate((max(-1.0, min(1.0, gain)) for gain in gains), 1):
        power = squares / max(count - 1, 1) + mean**2
        stake = mean / power if power > 0 else 0.0
        wealth *= 1 + max(0.0, min(_LARGEST_STAKE, stake)) * gain
        most = max(most, wealth)
        before, mean = mean, mean + (gain - mean) / count
        squares += (gain - before) * (gain - mean)
    return most


def _records(journal: Path) -> Iterable[StandardEvent[Any]]:
    for _, raw in read(journal):
        record = decode_record(raw)
        if not isinstance(record, Tick):
            yield record
