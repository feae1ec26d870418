from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

from hypothesis import given, strategies as st
from rich.console import Console

from workspace.up.screen import Lines, age, picture
from workspace.up.view import PartRow, SignalRow, View, in_order, opinions, turns

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BTC = SignalRow(
    "BTC", "BUY", 0.61, calibrated=True, voters=14.2, as_of=NOW, regime="bull", why_not=None
)


def a_view(*signals: SignalRow) -> View:
    parts = {"redis": PartRow("redis", "var/demo/redis/redis.sock", 12, "running")}
    return View("Smart money on a test", "http://127.0.0.1:4341", parts, signals)


def drawn(view: View, rows: int = 10) -> str:
    console = Console(file=StringIO(), width=160)
    with console.capture() as captured:
        console.print(picture(view, NOW, rows))
    return captured.get()


def test_the_picture_says_what_runs_where_and_what_it_thinks() -> None:
    seen = drawn(a_view(BTC))

    for fact in (
        "redis",
        "12",
        "redis.sock",
        "BTC",
        "BUY",
        "0.61",
        "14.2",
        "bull",
        "0 s",
        "4341/docs",
    ):
        assert fact in seen


def test_what_is_unknown_is_called_so() -> None:
    bare = SignalRow.of({"coin": "ETH", "action": "NEUTRAL", "confidence": None})

    assert drawn(a_view(bare)).count("unknown") == 4


def test_a_confidence_that_is_only_the_base_rate_is_marked() -> None:
    assert "~0.61" in drawn(a_view(replace(BTC, calibrated=False)))


def test_signals_that_do_not_fit_are_counted() -> None:
    many = [replace(BTC, coin=f"C{n}") for n in range(10)]

    assert "and 7 more at http://127.0.0.1:4341/api/v1/signals" in drawn(a_view(*many), rows=3)


def test_on_a_pipe_a_signal_is_told_when_it_turns_and_not_again() -> None:
    out = StringIO()
    lines = Lines(Console(file=out, width=200), lambda: NOW)
    view = a_view(BTC)

    for signals in [
        (BTC,),
        (BTC,),
        (replace(BTC, confidence=0.7),),
        (replace(BTC, action="SELL"),),
    ]:
        view.signals = signals
        lines.show(view)

    told = [line for line in out.getvalue().splitlines() if "BTC" in line]
    assert [line.split()[2] for line in told] == ["BUY,", "SELL,"]


def test_the_majors_come_first_then_opinions_then_the_undecided() -> None:
    coins = [("DOGE", "NEUTRAL"), ("WIF", "SELL"), ("SOL", "NEUTRAL"), ("BTC", "SELL")]
    signals = tuple(replace(BTC, coin=coin, action=action) for coin, action in coins)

    assert [signal.coin for signal in in_order(signals)] == ["BTC", "SOL", "WIF", "DOGE"]


def test_only_opinions_about_the_majors_count_as_seen() -> None:
    assert opinions((BTC, replace(BTC, coin="DOGE", action="SELL"))) == {"BUY"}


@given(st.lists(st.sampled_from(["BUY", "SELL", "NEUTRAL"]), max_size=5))
def test_nothing_turns_when_nothing_changed(actions: list[str]) -> None:
    signals = tuple(replace(BTC, coin=f"C{n}", action=action) for n, action in enumerate(actions))

    assert list(turns(signals, signals)) == []


def test_age_is_told_in_the_largest_unit_that_says_enough() -> None:
    ages = {
        age(replace(BTC, as_of=NOW - timedelta(seconds=s)), NOW)
        for s in (5, 119, 600, 8_000, 200_000)
    }

    assert ages == {"5 s", "119 s", "10 min", "2 h", "2 d"}
