"""Small charts as SVG text: nothing to load, nothing to run."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby, pairwise
from math import log

WIDTH, HEIGHT = 1_000, 260
_LEFT, _BOTTOM = 52, 22
_BARS = 24

COLOURS: Mapping[str, str] = {
    "bull": "#2f9e6e",
    "neutral": "#8d99ae",
    "bear": "#d1495b",
    "unknown": "#c9c9c9",
}


def states_over_price(
    days: Sequence[str], closes: Sequence[float], strips: Mapping[str, Sequence[str]]
) -> str:
    """Return the price on a log scale, with one strip of states beneath it for each way."""
    plot, strip = HEIGHT - _BOTTOM, 16
    height = HEIGHT + len(strips) * (strip + 4)
    low, high = log(min(closes)), log(max(closes))

    def x(place: float) -> float:
        return _LEFT + place / max(1, len(days) - 1) * (WIDTH - _LEFT)

    def y(price: float) -> float:
        return 6 + (high - log(price)) / ((high - low) or 1.0) * (plot - 12)

    line = " ".join(f"{x(n):.1f},{y(close):.1f}" for n, close in enumerate(closes))
    first = next(iter(strips.values()))
    parts = [_span(x(a), x(b), 0, plot, state, 0.18) for a, b, state in _runs(first)]
    parts.append(f'<polyline points="{line}" fill="none" stroke="currentColor"/>')
    parts += [
        _text(x(n), plot + 15, day[:4])
        for n, (before, day) in enumerate(pairwise(days), 1)
        if before[:4] != day[:4]
    ]
    parts += [_text(2, y(price) + 4, f"{price:,.0f}") for price in (min(closes), max(closes))]
    for row, (name, states) in enumerate(strips.items()):
        top = HEIGHT + row * (strip + 4)
        parts += [_span(x(a), x(b), top, strip, state, 0.9) for a, b, state in _runs(states)]
        parts.append(_text(_LEFT + 4, top + 12, name))
    return _svg(height, "states over price", parts)


def histogram(values: Sequence[float], unit: str) -> str:
    """Return how often values of each size came, on a log scale of sizes."""
    top = log(max(values) + 1)
    counts = [0] * _BARS
    for value in values:
        counts[min(_BARS - 1, int(log(value + 1) / (top or 1.0) * _BARS))] += 1
    width, plot = (WIDTH - _LEFT) / _BARS, HEIGHT - _BOTTOM
    parts = []
    for n, count in enumerate(counts):
        size = count / max(counts) * (plot - 20)
        left = _LEFT + n * width
        parts.append(
            f'<rect x="{left:.1f}" y="{plot - size:.1f}" width="{width - 2:.1f}"'
            f' height="{size:.1f}" fill="#5b7db1"><title>{count}</title></rect>'
        )
        if n % 4 == 0:
            edge = 2.718281828459045 ** (n / _BARS * top) - 1
            parts.append(_text(left, plot + 15, f"{edge:,.0f}"))
    parts.append(_text(WIDTH - 60, plot + 15, unit))
    return _svg(HEIGHT, f"histogram, {unit}", parts)


def _runs(states: Sequence[str]) -> list[tuple[int, int, str]]:
    runs, place = [], 0
    for state, group in groupby(states):
        end = place + len(list(group))
        runs.append((place, end, state))
        place = end
    return runs


def _span(left: float, right: float, top: float, height: float, state: str, opacity: float) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.2f}" height="{height}"'
        f' fill="{COLOURS[state]}" opacity="{opacity}"/>'
    )


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}"'
        f' xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )
