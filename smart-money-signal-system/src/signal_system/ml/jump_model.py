"""The statistical jump model: states that fit what is seen, and a price for leaving one.

Bemporad, Breschi, Piga and Boyd, Automatica 96 (2018); Nystrup, Lindstroem and Madsen, Expert
Systems with Applications 150 (2020). Over rows ``z_t`` it minimises ::

    sum_t |z_t - c_(s_t)|^2 / 2  +  penalty * (number of changes of s)

by turns over the centres ``c`` and the path ``s``. The causal state after row `t` is where the
cheapest path over the rows up to `t` ends: later rows never change it.

Several problems of equal length are solved side by side. Shapes: rows (time, features, problems),
centres (states, features, problems), losses and values (time, states, problems), paths (time,
problems), penalties (problems).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signal_system.ml.arrays import Floats, Ints

Values = tuple[float, ...]
"""For each state, by how much the cheapest path that ends there is dearer than the cheapest.

The least of them is therefore 0.
"""

_SEEDING_ROWS = 2_000
_BLOCK_ROWS = 200  # what is worked on stays in the processor's cache


def nearness(row: Sequence[float], centres: Sequence[Sequence[float]]) -> Values:
    """Return half the squared distance of `row` to each centre."""
    return tuple(
        0.5 * sum((x - c) * (x - c) for x, c in zip(row, centre, strict=True)) for centre in centres
    )


def step(values: Values, losses: Sequence[float], penalty: float) -> Values:
    """Return the values after one more row, whose distances are `losses`.

    Examples
    --------
    >>> step((0.0, 1.5), losses=(2.0, 0.25), penalty=1.0)
    (0.75, 0.0)
    """
    grown = [loss + min(value, penalty) for value, loss in zip(values, losses, strict=True)]
    least = min(grown)
    return tuple(value - least for value in grown)


def losses_of(rows: Floats, centres: Floats) -> Floats:
    """Return half the squared distances of all rows to all centres, equal to `nearness` in each bit."""
    total = np.zeros((len(rows), len(centres), rows.shape[-1]))
    scratch = np.empty((_BLOCK_ROWS, *total.shape[1:]))
    for first in range(0, len(rows), _BLOCK_ROWS):
        part, sums = rows[first : first + _BLOCK_ROWS], total[first : first + _BLOCK_ROWS]
        difference = scratch[: len(part)]
        for feature in range(rows.shape[1]):
            np.subtract(part[:, None, feature], centres[:, feature], out=difference)
            difference *= difference
            sums += difference
        sums *= 0.5
    return total


def values_of(losses: Floats, penalties: Floats) -> Floats:
    """Return the values after each row, equal to those of `step` in each bit; at first all are 0."""
    values, before = np.empty_like(losses), np.zeros(losses.shape[1:])
    for loss, now in zip(losses, values, strict=True):
        np.minimum(before, penalties, out=now)
        np.add(now, loss, out=now)
        np.subtract(now, np.minimum.reduce(now), out=now)
        before = now
    return values


def cheapest(values: Floats) -> Ints:
    """Return the state whose value is 0, the first of several: what the rows so far say."""
    states = np.zeros((len(values), values.shape[-1]), dtype=np.int64)
    for state in range(values.shape[1] - 1, 0, -1):
        states[values[:, state] == 0] = state
    states[values[:, 0] == 0] = 0
    return states


def cheapest_paths(losses: Floats, penalties: Floats) -> Ints:
    """Return the states that cost least as a whole: they look ahead."""
    values = values_of(losses, penalties)
    ends, stays = cheapest(values), values <= penalties
    paths, problems = ends.copy(), np.arange(losses.shape[-1])
    for t in range(len(paths) - 2, -1, -1):
        later = paths[t + 1]
        paths[t] = np.where(stays[t, later, problems], later, ends[t])
    return paths


def costs(rows: Floats, centres: Floats, paths: Ints, penalties: Floats) -> Floats:
    """Return the objective of each problem."""
    losses = np.take_along_axis(losses_of(rows, centres), paths[:, None], axis=1)
    return np.asarray(losses.sum(axis=(0, 1)) + penalties * (paths[1:] != paths[:-1]).sum(axis=0))


@dataclass(frozen=True, slots=True)
class Search:
    """How thoroughly centres are looked for.

    Attributes
    ----------
    starts
        Draws of first centres (k-means++), each settled without a penalty on a part of the rows.
    descents
        How many of the best starts are followed down.
    rounds, tolerance
        A descent ends after so many rounds, or when no coordinate moved further.
    """

    starts: int = 10
    descents: int = 1
    rounds: int = 20
    tolerance: float = 1e-3
    seed: int = 0


SEARCH = Search()


def fitted(rows: Floats, states: int, penalties: Floats, search: Search = SEARCH) -> Floats:
    """Return the centres of the cheapest solution found for each problem."""
    thin = rows[:: -(-len(rows) // _SEEDING_ROWS)]
    drawn = np.repeat(thin, search.starts, axis=-1)
    centres = _drawn(drawn, states, np.random.default_rng(search.seed))
    free = np.zeros(drawn.shape[-1])
    centres = _descended(drawn, centres, free, search)
    price = costs(drawn, centres, cheapest_paths(losses_of(drawn, centres), free), free)
    followed = _best(price, search.starts, search.descents)
    problems = np.repeat(rows, search.descents, axis=-1)
    penalties = np.repeat(penalties, search.descents)
    centres = _descended(problems, centres[..., followed], penalties, search)
    if search.descents == 1:
        return centres
    paths = cheapest_paths(losses_of(problems, centres), penalties)
    price = costs(problems, centres, paths, penalties)
    return centres[..., _best(price, search.descents, 1)]


def _best(price: Floats, starts: int, kept: int) -> Ints:
    """Return the columns of the `kept` cheapest among each problem's `starts` columns."""
    ranked = price.reshape(-1, starts).argsort(axis=1, kind="stable")[:, :kept]
    return np.asarray(ranked + np.arange(len(ranked))[:, None] * starts).ravel()


def _descended(rows: Floats, centres: Floats, penalties: Floats, search: Search) -> Floats:
    """Return the centres after turns of paths and means; a problem that settled is left alone."""
    centres, moving = centres.copy(), np.arange(rows.shape[-1])
    for _ in range(search.rounds):
        part, before = rows[..., moving], centres[..., moving]
        paths = cheapest_paths(losses_of(part, before), penalties[moving])
        centres[..., moving] = _means(part, paths, before)
        moved = np.abs(centres[..., moving] - before).max(axis=(0, 1))
        moving = moving[moved > search.tolerance]
        if not len(moving):
            break
    return centres


def _drawn(rows: Floats, states: int, random: np.random.Generator) -> Floats:
    """Return centres that are rows, each drawn by its squared distance to those before it.

    Arthur and Vassilvitskii, "k-means++" (2007).
    """
    problems = np.arange(rows.shape[-1])
    chosen = [rows[random.integers(len(rows), size=len(problems)), :, problems].T]
    for _ in range(states - 1):
        reached = np.cumsum(losses_of(rows, np.stack(chosen)).min(axis=1), axis=0)
        drawn = random.random(len(problems)) * reached[-1]
        place = (reached < drawn).sum(axis=0).clip(max=len(rows) - 1)
        chosen.append(rows[place, :, problems].T)
    return np.stack(chosen)


def _means(rows: Floats, paths: Ints, centres: Floats) -> Floats:
    """Return the mean row of each state; a state nobody is in keeps its centre."""
    moved = centres.copy()
    for state in range(len(centres)):
        inside = (paths == state).astype(float)
        count = inside.sum(axis=0)
        total = np.einsum("tp,tfp->fp", inside, rows)
        moved[state] = np.where(count > 0, total / np.maximum(count, 1), centres[state])
    return moved
