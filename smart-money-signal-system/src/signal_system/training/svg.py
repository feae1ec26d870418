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


def ranked(rows: Sequence[tuple[str, float, float, float, str]], mark: float) -> str:
    """Return one bar for each of `rows`, longest meaning most, with a line at `mark`.

    A row is its name, value, the ends of its interval, and its colour.
    """
    left, step = 170, 22
    low = min(0.0, mark, *(row[2] for row in rows))
    high = max(0.0, mark, *(row[3] for row in rows))

    def x(value: float) -> float:
        return left + (value - low) / ((high - low) or 1.0) * (WIDTH - left - 70)

    parts = []
    for place, (name, value, least, most, colour) in enumerate(rows):
        middle = place * step + step / 2
        start, end = sorted((x(0), x(value)))
        parts += [
            _text(0, middle + 4, name),
            _bar(start, end, middle, colour),
            _line((x(least), middle), (x(most), middle), 0.55),
            _text(x(max(most, value, 0)) + 6, middle + 4, f"{value:.2f}"),
        ]
    height = len(rows) * step + 4
    parts.append(_line((x(mark), 0), (x(mark), height), 0.9, colour=COLOURS["bear"], dashed=True))
    parts.append(_line((x(0), 0), (x(0), height), 0.35))
    return _svg(height, "importance of each column", parts)


def curves(
    days: Sequence[str], lines: Mapping[str, Sequence[float]], colours: Mapping[str, str]
) -> str:
    """Return what several values did over the same `days`, on one scale."""
    plot = HEIGHT - _BOTTOM
    low = min(min(values) for values in lines.values())
    high = max(max(values) for values in lines.values())

    def x(place: float) -> float:
        return _LEFT + place / max(1, len(days) - 1) * (WIDTH - _LEFT)

    def y(value: float) -> float:
        return 6 + (high - value) / ((high - low) or 1.0) * (plot - 12)

    parts = [_line((_LEFT, y(1.0)), (WIDTH, y(1.0)), 0.3)] if low <= 1 <= high else []
    for name, values in lines.items():
        points = " ".join(f"{x(n):.1f},{y(value):.1f}" for n, value in enumerate(values))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colours[name]}" stroke-width="1.6"/>'
        )
    parts += [
        _text(x(n), plot + 15, day[:4])
        for n, (before, day) in enumerate(pairwise(days), 1)
        if before[:4] != day[:4]
    ]
    parts += [_text(2, y(value) + 4, f"{value:.2f}") for value in (low, high)]
    return _svg(HEIGHT, "what one unit became", parts)


def diagonal(lines: Mapping[str, Sequence[tuple[float, float]]], colours: Mapping[str, str]) -> str:
    """Return what was said against what came, between 0 and the most of either."""
    size, left = 320, 44
    most = max(max(point) for points in lines.values() for point in points) * 1.05

    def x(value: float) -> float:
        return left + value / most * (size - left)

    def y(value: float) -> float:
        return (1 - value / most) * (size - _BOTTOM)

    parts = [_line((x(0), y(0)), (x(most), y(most)), 0.35, dashed=True)]
    for name, points in lines.items():
        path = " ".join(f"{x(said):.1f},{y(came):.1f}" for said, came in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="1.6"/>'
        )
        parts += [
            f'<circle cx="{x(said):.1f}" cy="{y(came):.1f}" r="3" fill="{colours[name]}"/>'
            for said, came in points
        ]
    parts += [_text(x(0) - 4, size - 4, "0"), _text(x(most) - 34, size - 4, f"{most:.2f}")]
    parts += [_text(4, 12, f"{most:.2f}"), _text(x(most) / 2, size - 4, "said")]
    parts.append(_text(4, size / 2, "came"))
    return _svg(size, "calibration", parts, width=size)


def heat(rows: Mapping[str, Sequence[float]], columns: Sequence[str]) -> str:
    """Return a table of coloured cells: above 0 green, below red, as strong as far from it."""
    left, step = 170, 20
    wide = (WIDTH - left) / len(columns)
    most = max(abs(value) for values in rows.values() for value in values) or 1.0
    parts = [_text(left + n * wide + 4, 14, name) for n, name in enumerate(columns)]
    for place, (name, values) in enumerate(rows.items()):
        top = 20 + place * step
        parts.append(_text(0, top + 14, name))
        for n, value in enumerate(values):
            colour = COLOURS["bull" if value > 0 else "bear" if value < 0 else "unknown"]
            strength = (abs(value) / most) ** 0.5
            parts.append(
                f'<rect x="{left + n * wide:.1f}" y="{top}" width="{wide - 2:.1f}" height="{step - 2}"'
                f' fill="{colour}" opacity="{0.06 + 0.9 * strength:.2f}"><title>{value:.2f}</title></rect>'
            )
    return _svg(24 + len(rows) * step, "importance by fold", parts)


def _line(
    start: tuple[float, float],
    end: tuple[float, float],
    opacity: float,
    *,
    colour: str = "currentColor",
    dashed: bool = False,
) -> str:
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
        f' stroke="{colour}" stroke-width="1.4" opacity="{opacity}"{dash}/>'
    )


def _bar(left: float, right: float, middle: float, colour: str) -> str:
    wide = max(1.0, right - left)
    return (
        f'<rect x="{left:.1f}" y="{middle - 6:.1f}" width="{wide:.1f}" height="12" rx="2"'
        f' fill="{colour}"/>'
    )


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


def _svg(height: float, title: str, parts: Sequence[str], width: float = WIDTH) -> str:
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{escape(title)}"'
        f' xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )
