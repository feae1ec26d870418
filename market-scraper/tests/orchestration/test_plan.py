from typing import Any

import pytest
from typer.testing import CliRunner

from market_scraper.cli import cli
from market_scraper.cli_plan import print_plan
from market_scraper.config import Settings
from market_scraper.orchestration.plan import plan


def settings(**given: Any) -> Settings:
    return Settings.read(exchange_url="http://127.0.0.1:1", **given)


def test_five_hundred_traders_fit_but_their_audits_take_longer_than_a_minute() -> None:
    found = plan(settings(), coins=180)

    assert found.weight_limit == 840
    assert found.contexts_weight == 140
    assert found.candles_weight == pytest.approx(3 * 21 / 60)
    assert found.anchor_seconds == pytest.approx(60 * 1_000 / (0.9 * 840 - 140))
    assert found.weight <= found.weight_limit * 0.8
    assert 60 < found.audit_round_seconds < 150
    [misfit] = found.misfits
    assert "a round takes longer" in misfit


def test_a_hundred_traders_leave_nothing_to_be_said() -> None:
    found = plan(settings(max_traders=100), coins=180)

    assert found.misfits == ()
    assert found.audit_round_seconds == 60


def test_what_does_not_fit_is_named_with_what_to_do() -> None:
    found = plan(settings(contexts_seconds=1, budget_share=0.05), coins=900)

    assert [misfit.split()[0] for misfit in found.misfits] == [
        "markets",
        "to",
        "1024",
        "BUDGET_SHARE",
    ]
    assert "raise CONTEXTS_SECONDS" in found.misfits[0]


def test_everything_that_is_listened_to_is_counted() -> None:
    all_of_it = plan(settings(), coins=180)
    less = plan(settings(builder_exchanges=False, user_slots=0), coins=180)

    assert all_of_it.subscriptions == 180 + 120 + 1 + 3 + 3 * 8
    assert all_of_it.most_users == 8
    assert (less.subscriptions, less.most_users) == (180 + 3, 0)


def test_disk_grows_with_traders_and_agrees_with_what_was_measured() -> None:
    small, large = (plan(settings(max_traders=n), 180).disk_bytes_a_day for n in (500, 10_000))

    assert 53e6 < small < 60e6
    assert 115e6 < large < 125e6


async def test_the_command_asks_for_the_markets_alone_and_says_so(
    venue: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_plan(Settings.read(exchange_url=venue.url))

    said = capsys.readouterr().out
    assert "once for its markets (weight 20)" in said
    assert "ws://" in said
    assert "until 500 traders are anchored" in said
    assert "does not fit" in said
    async with venue.http.get(f"{venue.url}/simulator/limits") as response:
        [used] = (await response.json()).values()
    assert (used["weight"]["peak"], used["connections"]["peak"]) == (20, 0)


def test_without_a_venue_it_assumes_and_says_so() -> None:
    said = CliRunner().invoke(cli, ["run", "--dry-run", "--exchange", "http://127.0.0.1:1"]).stdout

    assert "are assumed" in said
