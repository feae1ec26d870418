"""A classifier's report as one page that needs nothing else: text, tables, charts inside it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from signal_system.training import html, svg
from signal_system.training.classifiers import BASE_RATE, LOGISTIC, REVERSAL, TREES
from signal_system.training.regime_report import Report

_WAYS = {TREES: "#4c7bd9", LOGISTIC: "#e0a030", REVERSAL: "#8d5bb5", BASE_RATE: "#8d99ae"}
_CLASSES = {"buy": "#2f9e6e", "sell": "#d1495b", "hold": "#8d99ae"}
_WORTH, _NOT_WORTH = "#4c7bd9", "#b9c0c9"


def page(report: Report) -> str:
    """Return the page in HTML."""
    data, span = report["data"], report["reported_on"]
    title = f"Direction of {report['coin']} over {report['horizon_hours']:g} h"
    lead = (
        f"{data['bars']:,} bars of {report['interval']} from {escape(data['source'])},"
        f" {data['first']:%Y-%m-%d} to {data['last']:%Y-%m-%d}. Everything below is out of sample:"
        f" {report['refits']} refits, each judged on the {report['refit_days']} days after it, from"
        f" {span['from']:%Y-%m-%d} to {span['to']:%Y-%m-%d}. Grey numbers are 95 % intervals, from"
        " days drawn in stretches."
    )
    parts = (
        html.verdict(
            report["gates"],
            passed="Every gate is open: it may influence signals once it is promoted.",
            failed="It stays a challenger: no signal listens to it.",
        ),
        _tiles(report),
        _ways(report),
        _paid(report),
        _calibration(report),
        _columns(report),
        _folds(report),
        _clusters(report),
        _how(report),
        _quality(report),
    )
    return html.document(title, lead, parts, f"Data SHA-256 {data['sha256']}")


def _tiles(report: Report) -> str:
    own = report["ways"][TREES]
    auc, line = own["auc"]["value"], report["ways"][LOGISTIC]["auc"]["value"]
    return html.tiles(
        (
            (html.number(auc), f"area under the curve of the direction; a line has {line:.3f}"),
            (html.number(own["gain"]["value"]), "thousandths of a nat gained on the base rate"),
            (html.number(own["calibration_error"]), "calibration error"),
            (html.number(own["gated"]["net"]["value"]), "Sharpe ratio after costs"),
            (f"{len(report['importances']['remove'])}", "columns worth no more than noise"),
        )
    )


def _ways(report: Report) -> str:
    rows = [
        (
            escape(name),
            html.estimate(way["log_loss"], 4),
            html.estimate(way["gain"], 1),
            html.estimate(way["brier"], 4),
            html.estimate(way["auc"], 3),
            html.estimate(way["auc_of_sign"], 3),
            html.estimate(way["matthews"], 3),
            html.number(way["calibration_error"]),
        )
        for name, way in report["ways"].items()
    ]
    head = (
        "",
        "log loss",
        "gain, mnat",
        "Brier",
        "AUC",
        "AUC of the sign",
        "Matthews",
        "calibration error",
    )
    against = report["against_logistic"]
    return html.section(
        "What it knows, against what is simple",
        html.table(head, rows, own=TREES),
        "<p>Log loss and Brier score are of buy, sell and hold; most of a gain there is knowing how"
        " far the price will move, not where to. AUC and Matthews correlation are of the direction"
        " alone, on the rows on which it reached a barrier; the AUC of the sign is of where it ended,"
        " on all rows. Over logistic regression the trees gain"
        f" {html.estimate(against, 1).replace('<small>', '(').replace('</small>', ')')} thousandths"
        " of a nat a row.</p>",
    )


def _paid(report: Report) -> str:
    rows = [
        (
            escape(name),
            *_traded(way["followed"]),
            *_traded(way["gated"]),
            f"{way['gated']['paid']:+.0%}",
            f"{way['gated']['fall']:.0%}",
        )
        for name, way in report["ways"].items()
    ]
    head = (
        "",
        *("trades a year, always in", "Sharpe before costs", "after costs"),
        *("trades a year, if worth it", "Sharpe before costs", "after costs"),
        *("paid in all", "deepest fall"),
    )
    lines = report["equity"]["lines"]
    chances = [each["probability"] for each in report["deflated_sharpe"].values()]
    best = f"{max(chances):.2f}" if chances else "unknown"
    chart = (
        html.key({name: _WAYS[name] for name in lines})
        + svg.curves(report["equity"]["day"], lines, _WAYS)
        if lines
        else ""
    )
    return html.section(
        "What acting on it paid",
        html.table(head, rows, own=TREES),
        f"<p>One position at a time, taken at the close, held until its outcome; a round trip costs"
        f" {report['round_trip_cost']:.2%}. “If worth it”: only where the expected return is above"
        f" that. {report['variants_tried']} variants were looked at; the chance that the best of"
        f" these returns is more than the luckiest of so many without skill is {best} (deflated"
        " Sharpe ratio). Below, what one unit became, traded only if worth it.</p>",
        chart,
    )


def _traded(each: Mapping[str, Any]) -> tuple[str, str, str]:
    return (
        f"{each['trades_per_year']:,.0f}",
        html.estimate(each["gross"]),
        html.estimate(each["net"]),
    )


def _calibration(report: Report) -> str:
    lines = {
        name: [(each["said"], each["came"]) for each in bins]
        for name, bins in report["ways"][TREES]["reliability"].items()
    }
    return html.section(
        "Whether its probabilities can be taken at their word",
        html.key(_CLASSES),
        f'<div style="max-width:430px">{svg.diagonal(lines, _CLASSES)}</div>',
        f"<p>Ten bins of equally many rows for each class. Raw probabilities to the power of"
        f" {report['beta']:.2f}, made to add up to one; that was learned from the last fifth of what"
        " it learned from.</p>",
    )


def _columns(report: Report) -> str:
    found = report["importances"]
    rows = [
        (
            each["name"],
            each["permutation"]["value"],
            each["permutation"]["low"],
            each["permutation"]["high"],
            _WORTH if each["above_control"] else _NOT_WORTH,
        )
        for each in _ordered(found["columns"])
    ]
    removed = ", ".join(found["remove"]) or "none"
    unknown = ", ".join(found["unknown"])
    unsaid = f" This data does not know {unknown}: nothing can be said of them." if unknown else ""
    return html.section(
        "What each column is worth",
        html.key({"more than noise": _WORTH, "no more than noise": _NOT_WORTH, "noise": "#d1495b"}),
        svg.ranked(rows, found["control"]),
        f"<p>By how much log loss rises, in thousandths of a nat, when the column is shuffled on rows"
        f" the trees had not seen: {found['folds']} folds, {found['rows']:,} rows. The dashed line is"
        f" the best of the random columns that were learned along.</p><p><b>To remove:</b>"
        f" {removed}.{unsaid}</p>",
    )


def _folds(report: Report) -> str:
    found = report["importances"]
    columns = _ordered(found["columns"])
    markets = sorted({market for each in columns for market in each["by_regime"]})
    head = [f"{n + 1}" for n in range(found["folds"])] + markets
    cells = {
        each["name"]: [
            *each["by_fold"],
            *[each["by_regime"].get(market, 0.0) for market in markets],
        ]
        for each in columns
    }
    agreement = found["rank_agreement"]
    said = "unknown" if agreement is None else f"{agreement:.2f}"
    return html.section(
        "Whether that lasts",
        f'<div class="wide">{svg.heat(cells, head)}</div>',
        f"<p>The same fold by fold, from {found['first'][:10]} to {found['last'][:10]}, and in each"
        f" market (a moving-average band's). The order of the columns agrees from one fold to the"
        f" next by {said} (rank correlation).</p>",
    )


def _clusters(report: Report) -> str:
    found = report["importances"]
    shap = {each["name"]: each["shap"] for each in found["columns"]}
    rows = [
        (
            ", ".join(each["columns"]),
            html.estimate(each["permutation"]),
            html.number(sum(shap[name] for name in each["columns"])),
            html.yes(passed=each["above_control"]),
        )
        for each in _ordered(found["clusters"])
    ]
    head = ("columns", "importance together", "mean |SHAP|", "above noise")
    return html.section(
        "Columns that say much the same",
        "<p>Shuffled one by one, each hides behind the others; these were shuffled together. SHAP"
        " says what the trees use, useful or not: it is of the raw margin.</p>",
        html.table(head, rows),
    )


def _how(report: Report) -> str:
    span, shares = report["chosen_on"], report["shares"]
    rows = [(each["shape"], f"{each['log_loss']:.5f}") for each in report["trials"]]
    shuffled = report["shuffled_labels"]
    return html.section(
        "How it was made",
        f"<p>A row's outcome is buy if the price rises by {report['barriers']['width']:g} volatilities"
        f" of the horizon before it falls by as much, sell the other way round, hold if it does"
        f" neither in {report['horizon_hours']:g} h (median distance {report['reach']:.2%});"
        f" {shares['buy']:.0%}, {shares['sell']:.0%} and {shares['hold']:.0%} of {report['rows']:,}"
        f" rows. Each refit learns from {report['window_days']} days of outcomes that were known a"
        " horizon before its first row; rows that see the same hours share their weight.</p>"
        f"<p>Of these shapes, {report['shape']} had the least log loss from"
        f" {span['from']:%Y-%m-%d} to {span['to']:%Y-%m-%d}, before anything reported here.</p>",
        html.table(("shape", "log loss"), rows, own=report["shape"]),
        f"<p>Trees that learned shuffled labels know the direction with an AUC of"
        f" {shuffled['mean']:.3f} ± {shuffled['error']:.3f} ({shuffled['runs']} folds): nothing.</p>",
    )


def _quality(report: Report) -> str:
    rows = [
        (
            escape(f"{each['faults']} {each['says']}"),
            each["verdict"],
            ", ".join(f"{at:%Y-%m-%d %H:%M}" for at in each["moments"]),
        )
        for each in report["quality"]["findings"]
    ]
    found = html.table(("", "", "the first of them"), rows, text=2) if rows else "<p>Nothing.</p>"
    return html.section("What was wrong with the data", found)


def _ordered(each: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return sorted(each, key=lambda one: -one["permutation"]["value"])
