"""The report as one page that needs nothing else: text, tables, charts inside it."""

from collections.abc import Mapping
from html import escape

from signal_system.training import html, svg
from signal_system.training.regime_report import SHOWN, Report
from signal_system.training.regime_training import JUMP
from signal_system.training.turns import TABLES

_ALWAYS = "always bull"


def page(report: Report) -> str:
    """Return the page in HTML."""
    data, span = report["data"], report["reported_on"]
    lead = (
        f"{data['bars']:,} bars of {escape(data['source'])}, {data['first']:%Y-%m-%d} to"
        f" {data['last']:%Y-%m-%d}, {data['missing']} missing. Everything below is out of sample:"
        f" {report['refits']} refits, each judged on the bars after it, from {span['from']:%Y-%m-%d}"
        f" to {span['to']:%Y-%m-%d}. The penalty was chosen among {report['variants_tried']} on the"
        " bars before that, and the bars shown here were looked at once. Grey numbers are 95 %"
        " intervals."
    )
    parts = (
        html.verdict(
            report["gates"],
            passed="Every gate is open: it serves once it is promoted.",
            failed="It cannot be promoted: the moving-average band stays the better choice.",
        ),
        _tiles(report),
        _prices(report),
        _ways(report),
        _turning_points(report),
        _transitions(report),
        _dwells(report),
        _states(report),
        _choice(report),
        _quality(report),
    )
    title = f"Regimes of {report['coin']}, {report['interval']} bars"
    return html.document(title, lead, parts, f"Data SHA-256 {data['sha256']}")


def _tiles(report: Report) -> str:
    own, present = report["ways"][JUMP], report["volatility_r2_without_states"]["value"]
    held, bought = own["held"][0], report["ways"][_ALWAYS]["held"][0]
    return html.tiles(
        (
            (html.number(own["agreement_mean"]), "of the bars two refits call the same"),
            (f"{own['median_dwell_bars']:.0f}", "bars a state lasts (median)"),
            (
                html.number(own["volatility_r2"]["value"]),
                f"of the volatility ahead explained; {html.number(present)} without any state",
            ),
            (
                f"{held['fall']:.0%}",
                f"deepest fall, holding in bull markets alone; {bought['fall']:.0%} always",
            ),
        )
    )


def _prices(report: Report) -> str:
    days = report["days"]
    chart = svg.states_over_price(days["day"], days["close"], {name: days[name] for name in SHOWN})
    return html.section("States over price", html.key(svg.COLOURS), chart)


def _ways(report: Report) -> str:
    rows = [
        (
            escape(name),
            f"{way['switches_per_year']:.1f}",
            f"{way['median_dwell_bars']:.0f}",
            f"{way['short_runs']:.0%}",
            f"{html.number(way['agreement_mean'])} ({html.number(way['agreement_least'])})",
            html.estimate(way["volatility_r2"]),
            *[html.estimate(way["noticed"][table]["matthews"]) for table in TABLES],
            *[html.estimate(held["sharpe"]) for held in way["held"]],
            f"{way['held'][0]['fall']:.0%}",
        )
        for name, way in report["ways"].items()
    ]
    head = ("", "switches a year", "median run", "runs under 6", "refits agree (least)")
    held = [f"Sharpe, {way['delay_bars']} late" for way in report["ways"][JUMP]["held"]]
    matthews = [f"Matthews {table}" for table in TABLES]
    plain, trials = report["volatility_r2_without_states"], len(report["deflated_sharpe"])
    chance = max(each["probability"] for each in report["deflated_sharpe"].values())
    return html.section(
        "Against baselines and challengers",
        html.table((*head, "volatility R²", *matthews, *held, "deepest fall"), rows, own=JUMP),
        f"<p>A line through the present volatility, without any state, explains"
        f" {html.estimate(plain)} of the volatility ahead. Holding in bull markets alone at a round-trip"
        f" cost of {report['round_trip_cost']:.2%}: for the best Sharpe ratio of these {trials}, the"
        f" probability that it is more than the luckiest of so many without skill is {chance:.2f}"
        " (deflated).</p>",
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
    return html.section(
        "Lag to turning points",
        "<p>Bull and bear markets are dated in hindsight, from daily"
        " closes, by the rise and the fall that end one (Lunde and Timmermann): for judging alone."
        "</p>",
        html.table(("", "turns", "missed", "median lag", "each"), rows, text=1),
    )


def _transitions(report: Report) -> str:
    matrix: Mapping[str, Mapping[str, float]] = report["ways"][JUMP]["transitions"]
    rows = [(now, *[f"{share:.4f}" for share in after.values()]) for now, after in matrix.items()]
    return html.section(
        "Transition matrix",
        "<p>From the state in the first column to the others, one bar later.</p>",
        html.table(("", *matrix), rows),
    )


def _dwells(report: Report) -> str:
    dwells = report["ways"][JUMP]["dwells"]
    return html.section("How long states lasted", svg.histogram(dwells, "bars"))


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
    return html.section("What would serve", html.table(head, rows), kept)


def _choice(report: Report) -> str:
    span = report["chosen_on"]
    rows = [
        (
            f"{trial['penalty']:g}",
            f"{trial['median_dwell_bars']:.0f}",
            f"{trial['agreement_mean']:.3f} ({trial['agreement_least']:.3f})",
            f"{trial['volatility_r2']:.3f}",
            html.yes(passed=trial["admissible"]),
        )
        for trial in report["trials"]
    ]
    return html.section(
        "How the penalty was chosen",
        f"<p>On {span['from']:%Y-%m-%d} to"
        f" {span['to']:%Y-%m-%d}: of the stable ones, the one whose states explain most of the"
        f" volatility ahead. It is {report['penalty']:g}. Features, number of states and the list"
        " of penalties come from earlier work on Bitcoin, which knew part of these years.</p>",
        html.table(
            ("penalty", "median run", "refits agree (least)", "volatility R²", "stable"),
            rows,
            own=f"{report['penalty']:g}",
        ),
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
    found = html.table(("", "", "the first of them"), rows, text=2) if rows else "<p>Nothing.</p>"
    return html.section("What was wrong with the data", found)


def _days(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} d"
