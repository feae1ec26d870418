"""The report as one page that needs nothing else: text, tables, charts inside it."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from signal_system.training import svg
from signal_system.training.regime_report import SHOWN, Report
from signal_system.training.regime_training import JUMP
from signal_system.training.turns import TABLES

_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:1060px;margin:2em
auto;padding:0 1em}table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em .7em;
text-align:right;border-bottom:1px solid #8884;font-variant-numeric:tabular-nums}td:first-child,
th:first-child{text-align:left}svg{width:100%;height:auto;font-size:12px;fill:currentColor}
.no{color:#d1495b;font-weight:600}h2{margin-top:2em}small{opacity:.75}
"""


def page(report: Report) -> str:
    """Return the page in HTML."""
    title = f"Regimes of {report['coin']}, {report['interval']} bars"
    sections = (
        _summary(report),
        _prices(report),
        _ways(report),
        _turning_points(report),
        _transitions(report),
        _dwells(report),
        _states(report),
        _choice(report),
        _quality(report),
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{''.join(sections)}</html>\n"
    )


def _summary(report: Report) -> str:
    data, span = report["data"], report["reported_on"]
    rows = [
        (
            gate["name"],
            _number(gate["value"]),
            f"{gate['threshold']:g}",
            _yes(passed=gate["passed"]),
        )
        for gate in report["gates"]
    ]
    return (
        f"<p>{data['bars']:,} bars of {escape(data['source'])} from {data['first']:%Y-%m-%d} to"
        f" {data['last']:%Y-%m-%d}, {data['missing']} missing. Everything below is out of sample:"
        f" {report['refits']} refits, each judged on the bars after it, from {span['from']:%Y-%m-%d}"
        f" to {span['to']:%Y-%m-%d}. The penalty was chosen among {report['variants_tried']} on the"
        f" bars before that, and the bars shown here were looked at once. In brackets: 95 %"
        " intervals.</p><h2>Gates</h2>" + _table(("", "value", "threshold", "passed"), rows)
    )


def _prices(report: Report) -> str:
    days = report["days"]
    chart = svg.states_over_price(days["day"], days["close"], {name: days[name] for name in SHOWN})
    key = " · ".join(
        f'<span style="color:{colour}">■</span> {name}' for name, colour in svg.COLOURS.items()
    )
    return f"<h2>States over price</h2><p>{key}</p>{chart}"


def _ways(report: Report) -> str:
    rows = [
        (
            escape(name),
            f"{way['switches_per_year']:.1f}",
            f"{way['median_dwell_bars']:.0f}",
            f"{way['short_runs']:.0%}",
            f"{_number(way['agreement_mean'])} ({_number(way['agreement_least'])})",
            _estimate(way["volatility_r2"]),
            *[_estimate(way["noticed"][table]["matthews"]) for table in TABLES],
            *[_estimate(held["sharpe"]) for held in way["held"]],
            f"{way['held'][0]['fall']:.0%}",
        )
        for name, way in report["ways"].items()
    ]
    head = ("", "switches a year", "median run", "runs under 6", "refits agree (least)")
    held = [f"Sharpe, {way['delay_bars']} late" for way in report["ways"][JUMP]["held"]]
    matthews = [f"Matthews {table}" for table in TABLES]
    plain, trials = report["volatility_r2_without_states"], len(report["deflated_sharpe"])
    chance = max(each["probability"] for each in report["deflated_sharpe"].values())
    return (
        "<h2>Against baselines and challengers</h2>"
        + _table((*head, "volatility R²", *matthews, *held, "deepest fall"), rows)
        + f"<p>A line through the present volatility, without any state, explains"
        f" {_estimate(plain)} of the volatility ahead. Holding in bull markets alone at a round-trip"
        f" cost of {report['round_trip_cost']:.2%}: for the best Sharpe ratio of these {trials}, the"
        f" probability that it is more than the luckiest of so many without skill is {chance:.2f}"
        " (deflated).</p>"
    )


def _turning_points(report: Report) -> str:
    rows = []
    for table in TABLES:
        for name in SHOWN:
            noticed = report["ways"][name]["noticed"][table]
            lags = ", ".join(
                f"{turn['day']} {turn['to']} {_days(turn['lag_days'])}" for turn in noticed["turns"]
            )
            median = _days(noticed["median_lag_days"])
            count = len(noticed["turns"])
            rows.append((f"{table} · {escape(name)}", count, noticed["missed"], median, lags))
    return (
        "<h2>Lag to turning points</h2><p>Bull and bear markets are dated in hindsight, from daily"
        " closes, by the rise and the fall that end one (Lunde and Timmermann): for judging alone."
        "</p>" + _table(("", "turns", "missed", "median lag", "each"), rows)
    )


def _transitions(report: Report) -> str:
    matrix: Mapping[str, Mapping[str, float]] = report["ways"][JUMP]["transitions"]
    rows = [(now, *[f"{share:.4f}" for share in after.values()]) for now, after in matrix.items()]
    return "<h2>Transition matrix</h2><p>A bar later.</p>" + _table(("", *matrix), rows)


def _dwells(report: Report) -> str:
    dwells = report["ways"][JUMP]["dwells"]
    return f"<h2>How long states lasted</h2>{svg.histogram(dwells, 'bars')}"


def _states(report: Report) -> str:
    rows = [
        (
            state["name"],
            f"{state['share']:.0%}",
            f"{state['mean_return']:+.5f}",
            f"{state['volatility']:.5f}",
            " ".join(f"{each:+.2f}" for each in state["centre"]),
        )
        for state in report["states"]
    ]
    head = ("", "of the bars", "mean return a bar", "volatility a bar", "centre, standardised")
    kept = (
        f"<p>From refit to refit {report['numbers_kept']:.0%} kept every state closest to the one"
        " with its number before: states are numbered from the most fallen to the most risen.</p>"
    )
    return "<h2>What would serve</h2>" + _table(head, rows) + kept


def _choice(report: Report) -> str:
    span = report["chosen_on"]
    rows = [
        (
            f"{trial['penalty']:g}",
            f"{trial['median_dwell_bars']:.0f}",
            f"{trial['agreement_mean']:.3f} ({trial['agreement_least']:.3f})",
            f"{trial['volatility_r2']:.3f}",
            _yes(passed=trial["admissible"]),
        )
        for trial in report["trials"]
    ]
    return (
        f"<h2>How the penalty was chosen</h2><p>On {span['from']:%Y-%m-%d} to"
        f" {span['to']:%Y-%m-%d}: of the stable ones, the one whose states explain most of the"
        f" volatility ahead. It is {report['penalty']:g}. Features, number of states and the list"
        " of penalties come from earlier work on Bitcoin, which knew part of these years.</p>"
        + _table(("penalty", "median run", "refits agree (least)", "volatility R²", "stable"), rows)
    )


def _quality(report: Report) -> str:
    findings = report["quality"]["findings"]
    rows = [
        (
            escape(f"{each['faults']} {each['says']}"),
            each["verdict"],
            ", ".join(f"{at:%Y-%m-%d %H:%M}" for at in each["moments"]),
        )
        for each in findings
    ]
    found = _table(("", "", "the first of them"), rows) if rows else "<p>Nothing was found.</p>"
    return f"<h2>Data</h2>{found}<p><small>SHA-256 {report['data']['sha256']}</small></p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _estimate(each: Mapping[str, float | None]) -> str:
    if each["value"] is None:
        return "-"
    return f"{each['value']:.2f} <small>[{each['low']:.2f}, {each['high']:.2f}]</small>"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _days(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} d"


def _yes(*, passed: bool) -> str:
    return "yes" if passed else '<span class="no">no</span>'
