"""What every report's page is made of: one document that loads nothing, tables, tiles, verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_OWN_ROW = '<tr class="own">'

_STYLE = """
:root{color-scheme:light dark;--line:light-dark(#e3e6ea,#2b3036);--soft:light-dark(#5c6670,#9aa5b1);
--card:light-dark(#fff,#171b20);--back:light-dark(#f5f6f8,#0f1215);--good:light-dark(#1d7f56,#4cc38a);
--bad:light-dark(#b3323f,#f2767f)}
*{box-sizing:border-box}body{margin:0;background:var(--back);font:15px/1.55 system-ui,"Segoe UI",
Roboto,"Noto Sans",sans-serif}main{max-width:1120px;margin:0 auto;padding:2.2rem 1.2rem 4rem}
h1{font-size:1.7rem;letter-spacing:-.01em;margin:0 0 .4rem}h2{font-size:1.1rem;margin:0 0 .6rem}
p{max-width:76ch;margin:.5rem 0}.lead{color:var(--soft)}section{background:var(--card);border:1px solid
var(--line);border-radius:10px;padding:1.1rem 1.3rem 1.2rem;margin:1.1rem 0}.wide{overflow-x:auto}
table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums;min-width:50%}
th{color:var(--soft);font-size:.82rem;font-weight:600;vertical-align:bottom}td,th{padding:.38rem .75rem;
text-align:right;border-bottom:1px solid var(--line)}tr:last-child td{border-bottom:0}td:first-child,
th:first-child{text-align:left;padding-left:0;min-width:9.5rem}td.text,th.text{text-align:left}tr.own td{font-weight:600}
small{color:var(--soft);font-weight:400;white-space:nowrap}td small{display:block}
svg{width:100%;height:auto;font-size:12px;fill:currentColor;display:block}.key{color:var(--soft);
font-size:.88rem}.key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .35em
0 .9em;vertical-align:-.05em}.key i:first-child{margin-left:0}.no{color:var(--bad);font-weight:600}
.yes{color:var(--good)}.verdict{border-left:4px solid var(--good)}.verdict.shut{border-left-color:
var(--bad)}.verdict p b{font-size:1.05rem}.gates{display:grid;gap:.5rem 1.6rem;
grid-template-columns:repeat(auto-fill,minmax(300px,1fr));font-variant-numeric:tabular-nums;
line-height:1.4}.gates div{padding:.35rem 0 .35rem 1.5rem;position:relative;border-top:1px solid
var(--line)}.gates i{position:absolute;left:0;font-style:normal;font-weight:700}.gates small{
white-space:normal}.tiles{display:grid;gap:.9rem;grid-template-columns:
repeat(auto-fit,minmax(170px,1fr));margin:1.1rem 0}.tile{background:var(--card);border:1px solid
var(--line);border-radius:10px;padding:.8rem 1rem}.tile b{display:block;font-size:1.45rem;
font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.85rem}footer{color:var(--soft)
;font-size:.85rem;overflow-wrap:anywhere}
"""


def document(title: str, lead: str, parts: Iterable[str], footer: str) -> str:
    """Return a whole page; `lead`, `parts` and `footer` are HTML, the title is text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="lead">{lead}</p>{"".join(parts)}'
        f"<footer>{footer}</footer></main></body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Return a titled part of a page."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], *, own: str | None = None, text: int = 0
) -> str:
    """Return a table; cells are HTML.

    Parameters
    ----------
    own
        The first cell of the row that stands out.
    text
        How many columns at the end hold words, not numbers.
    """

    def cell(place: int, content: Any, kind: str = "td") -> str:
        words = ' class="text"' if place >= len(head) - text else ""
        return f"<{kind}{words}>{content}</{kind}>"

    top = "".join(cell(place, each, "th") for place, each in enumerate(head))
    body = "".join(
        (_OWN_ROW if own is not None and row[0] == own else "<tr>")
        + "".join(cell(place, content) for place, content in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def tiles(facts: Iterable[tuple[str, str]]) -> str:
    """Return the few numbers that matter most, each with what it is."""
    each = "".join(
        f'<div class="tile"><b>{value}</b><span>{says}</span></div>' for value, says in facts
    )
    return f'<div class="tiles">{each}</div>'


def verdict(gates: Sequence[Mapping[str, Any]], *, passed: str, failed: str) -> str:
    """Return whether every gate is open, what follows, and the gates themselves."""
    shut = [gate["name"] for gate in gates if not gate["passed"]]
    said = (
        f"<b>{passed}</b>" if not shut else f"<b>{failed}</b> It did not pass: {', '.join(shut)}."
    )
    kind = "verdict shut" if shut else "verdict"
    cards = "".join(map(_gate, gates))
    return f'<section class="{kind}"><p>{said}</p><div class="gates">{cards}</div></section>'


def key(colours: Mapping[str, str]) -> str:
    """Return what the colours of a chart mean."""
    parts = "".join(f'<i style="background:{c}"></i>{escape(name)}' for name, c in colours.items())
    return f'<p class="key">{parts}</p>'


def estimate(each: Mapping[str, float | None], digits: int = 2) -> str:
    """Return a number with its interval; a dash where it is not defined."""
    value, low, high = each["value"], each["low"], each["high"]
    if value is None or low is None or high is None:
        return "-"
    return f"{value:.{digits}f} <small>{low:.{digits}f} to {high:.{digits}f}</small>"


def number(value: float | None) -> str:
    """Return a number with the digits that matter; a dash where it is not known.

    Examples
    --------
    >>> number(0.12345), number(182.6), number(None), number(0.0000012), number(0.0)
    ('0.123', '183', '-', '1.2e-06', '0')
    """
    if value is None:
        return "-"
    if value and abs(value) < 0.001:  # noqa: PLR2004 -- below, three decimals show nothing
        return f"{value:.1e}"
    return f"{value:.3g}"


def yes(*, passed: bool) -> str:
    """Return a coloured yes or no."""
    return '<span class="yes">yes</span>' if passed else '<span class="no">no</span>'


def _gate(gate: Mapping[str, Any]) -> str:
    mark = '<i class="yes">✓</i>' if gate["passed"] else '<i class="no">✗</i>'
    return (
        f"<div>{mark}<b>{escape(gate['name'])}</b> {number(gate['value'])}"
        f" <small>against {gate['threshold']:g}</small><br><small>{escape(gate['says'])}</small></div>"
    )
