"""Where the money of the past came from: everybody's deposits, and what came and went on top."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.accounts.movements import Kind
from hyperliquid_simulator.accounts.payments import Payments
from hyperliquid_simulator.accounts.population import Population
from hyperliquid_simulator.accounts.styles import RESTING, VAULTS, Style
from hyperliquid_simulator.coins.dexes import DEXES, OWN
from hyperliquid_simulator.coins.market import DAY_MS, MINUTE_MS, Ints, stream
from hyperliquid_simulator.past.past import BLOCK_MS, HEIGHT_REFERENCE, KINDS, NOBODY, PastMovements
from hyperliquid_simulator.wire import MICRO

HOUR_MS: Final = 3_600_000
FEE: Final = MICRO
"""What a withdrawal and a transfer to somebody else cost."""

MOST_SUMS: Final = 6.0
"""Mean number of sums an account received after its beginning, at most."""

STAYING: Final = 0.35
FROM_OTHERS: Final = 0.2
REWARDS: Final = 0.05
SMALLEST: Final = 20 * MICRO
LARGEST_PART: Final = 0.5
ROUND: Final = 100 * MICRO

IDLE: Final = RESTING | VAULTS | {Style.GAMBLER}
"""Who moves no money: those who have it for others, and those whom a deposit would have saved."""

SENT_MS: Final = 30_000
"""How long money for a builder's dex is on the venue's own."""

FOLLOWERS: Final = 9
LEADER_PART: Final = 0.15


@dataclass(frozen=True, slots=True)
class Draft:
    """Movements of one kind, not yet in order."""

    kind: Kind
    time: Ints
    sender: Ints
    receiver: Ints
    usd: Ints
    fee: int = 0
    dex: int = 0


def past_movements(
    seed: int,
    population: Population,
    paid: Mapping[str, Payments],
    span_ms: tuple[int, int],
    per_day: float,
) -> PastMovements:
    """Draw the movements of the past; ``span_ms`` is when the history began and ends.

    ``paid`` is what owners paid in and took out, by dex. Whatever else comes later comes on top and
    only such money leaves, so no account ever has less.
    """
    rng = stream(seed, "movements")
    origin, now = span_ms
    together = Payments.joined(list(paid.values()))
    needed = together.until(origin).total(len(population))
    drafts = [
        *_beginnings(rng, population, needed, origin),
        *_payments(population, together.after(origin)),
        *_to_builders(paid, origin),
        *_sums(rng, population, needed, (origin, (now // DAY_MS + 1) * DAY_MS), per_day),
    ]
    return _in_order(seed, drafts, now)


# ── What everybody began with ────────────────────────────────────────────────────────────────


def _beginnings(
    rng: np.random.Generator, population: Population, needed: Ints, origin_ms: int
) -> Iterator[Draft]:
    """Deposit what everybody needs, then pass it on: to vaults, and from there to their children."""
    passed = [_to_children(population, needed)]
    passed.insert(0, _to_vaults(rng, population, needed + _given(passed, len(needed))))
    deposited = needed + _given(passed, len(needed))
    for rows in passed:
        deposited[rows[:, 2]] = 0
    owners = np.flatnonzero(deposited)
    outside = np.full(len(owners), NOBODY)
    deposits = np.column_stack([outside * 0, outside, owners, deposited[owners]])
    for stage, rows in enumerate([deposits, *passed]):
        began = origin_ms - HOUR_MS - (3 - stage) * DAY_MS
        for kind in np.unique(rows[:, 0]).tolist():
            _, sender, receiver, usd = rows[rows[:, 0] == kind].T
            time = began + rng.integers(0, DAY_MS - 1, len(usd))
            yield Draft(KINDS[kind], time, sender, receiver, usd)


def _to_builders(paid: Mapping[str, Payments], origin_ms: int) -> Iterator[Draft]:
    """Send on what was paid in on builders' dexes, and back what is taken out there.

    Money enters and leaves on the venue's own dex; it is there a moment earlier and later.
    """
    for place, dex in enumerate(DEXES):
        rows = paid.get(dex.name)
        if rows is None or dex.name == OWN:
            continue
        first, came = rows.time <= origin_ms, rows.usd > 0
        early = origin_ms - 1 - (rows.account * 7_919 + place * 1_009_000) % HOUR_MS
        sent = np.where(first, early, rows.time + SENT_MS)
        for chosen, time, way in ((came, sent, place), (~came, rows.time - SENT_MS, -place)):
            who, usd = rows.account[chosen], np.abs(rows.usd[chosen])
            yield Draft(Kind.SEND, time[chosen], who, who, usd, dex=way)


def _to_children(population: Population, needed: Ints) -> Ints:
    """Return (kind, giver, taker, sum) rows: sub-accounts and child vaults get all from above."""
    rows = [
        (
            KINDS.index(
                Kind.VAULT_DEPOSIT if t.style is Style.CHILD else Kind.SUB_ACCOUNT_TRANSFER
            ),
            t.master,
            t.index,
            needed[t.index],
        )
        for t in population.traders
        if t.master is not None
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def _to_vaults(rng: np.random.Generator, population: Population, needed: Ints) -> Ints:
    """Return (kind, giver, taker, sum) rows: a leader creates each vault, others follow."""
    free = sorted(
        (t for t in population.traders if t.style not in IDLE and t.master is None),
        key=lambda t: -t.capital,
    )
    rows = []
    for vault in population.vaults:
        leader, total = population.leader(vault).index, int(needed[vault.index])
        able = [t.index for t in free[: 3 * FOLLOWERS] if t.index != leader]
        followers = rng.choice(able, min(FOLLOWERS, len(able)), replace=False)
        parts = (1 - LEADER_PART) * rng.dirichlet(np.ones(len(followers)))
        sums = [int(part * total) // ROUND * ROUND for part in parts.tolist()]
        rows.append((KINDS.index(Kind.VAULT_CREATE), leader, vault.index, total - sum(sums)))
        rows += [
            (KINDS.index(Kind.VAULT_DEPOSIT), int(follower), vault.index, usd)
            for follower, usd in zip(followers, sums, strict=True)
            if usd
        ]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def _given(passed: Sequence[Ints], accounts: int) -> Ints:
    """Return what every account passes on."""
    total = np.zeros(accounts, dtype=np.int64)
    for rows in passed:
        np.add.at(total, rows[:, 1], rows[:, 3])
    return total


# ── What owners paid in and took out later ───────────────────────────────────────────────────


def _payments(population: Population, later: Payments) -> Iterator[Draft]:
    """Let money pass between accounts and the world outside, of sub-accounts by way of their master."""
    masters = np.array([NOBODY if t.master is None else t.master for t in population.traders])
    master = masters[later.account]
    owner = np.where(master == NOBODY, later.account, master)
    outside, usd = np.full(len(later), NOBODY), np.abs(later.usd)
    came, passed = later.usd > 0, master != NOBODY
    before, after = later.time - MINUTE_MS, later.time + MINUTE_MS
    yield Draft(Kind.DEPOSIT, *_rows(came, before, outside, owner, usd))
    yield Draft(
        Kind.SUB_ACCOUNT_TRANSFER, *_rows(came & passed, later.time, owner, later.account, usd)
    )
    yield Draft(
        Kind.SUB_ACCOUNT_TRANSFER, *_rows(~came & passed, later.time, later.account, owner, usd)
    )
    leaves = ~came & (usd > FEE)
    yield Draft(Kind.WITHDRAW, *_rows(leaves, after, owner, outside, usd - FEE), fee=FEE)


# ── What came and went on top ────────────────────────────────────────────────────────────────


def _sums(
    rng: np.random.Generator,
    population: Population,
    needed: Ints,
    span_ms: tuple[int, int],
    per_day: float,
) -> Iterator[Draft]:
    """Let sums come from outside or from others; most of them leave again, some stay."""
    origin, now = span_ms[0], span_ms[1] - 2 * HOUR_MS
    able = np.array([t.index for t in population.traders if t.style not in IDLE])
    days = max(now - origin, 0) / DAY_MS
    taker = np.repeat(able, rng.poisson(min(per_day * days / 2, MOST_SUMS), len(able)))
    count = len(taker)
    giver = np.where(rng.random(count) < FROM_OTHERS, rng.choice(able, count), taker)
    rewards, leaves = rng.random(count) < REWARDS, rng.random(count) >= STAYING
    usd = _amounts(rng, np.where(rewards, needed[taker] // 20, needed[taker]))
    came = origin + (rng.random(count) * (now - origin)).astype(np.int64)
    given = came + rng.integers(60_000, HOUR_MS, count)
    left = given + (rng.random(count) * (span_ms[1] - given)).astype(np.int64)
    outside, passed = np.full(count, NOBODY), giver != taker
    fees = passed * FEE
    yield Draft(Kind.REWARDS_CLAIM, *_rows(rewards, came, outside, giver, usd + fees))
    yield Draft(Kind.DEPOSIT, *_rows(~rewards, came, outside, giver, usd + fees))
    yield Draft(Kind.INTERNAL_TRANSFER, *_rows(passed, given, giver, taker, usd), fee=FEE)
    yield Draft(Kind.WITHDRAW, *_rows(leaves, left, taker, outside, usd - FEE), fee=FEE)


def _amounts(rng: np.random.Generator, needed: Ints) -> Ints:
    """Return sums that suit accounts of these sizes, half of them round."""
    part = np.minimum(np.exp(rng.normal(-2.0, 0.8, len(needed))), LARGEST_PART)
    usd = (part * needed).astype(np.int64)
    whole = (rng.random(len(needed)) < 0.5) & (usd > ROUND)  # noqa: PLR2004
    return np.maximum(np.where(whole, usd // ROUND * ROUND, usd), SMALLEST)


def _rows(
    chosen: npt.NDArray[np.bool_], time: Ints, sender: Ints, receiver: Ints, usd: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    return time[chosen], sender[chosen], receiver[chosen], usd[chosen]


def _in_order(seed: int, drafts: Iterable[Draft], now: int) -> PastMovements:
    """Let every movement up to now happen in a block."""
    parts = [
        (
            d.time,
            np.full(len(d.time), KINDS.index(d.kind)),
            d.sender,
            d.receiver,
            d.usd,
            np.full(len(d.time), d.fee),
            np.full(len(d.time), d.dex),
        )
        for d in drafts
    ]
    moment, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    _, began = HEIGHT_REFERENCE
    block = np.floor((moment - began) / BLOCK_MS)
    time = (began + np.rint(block * BLOCK_MS)).astype(np.int64)
    order = np.argsort(time, kind="stable")
    order = order[: np.searchsorted(time[order], now, side="right")]
    return PastMovements(seed, time[order], *(column[order] for column in columns))
