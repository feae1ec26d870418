from dataclasses import replace
from pathlib import Path

import pytest

from workspace.up.plan import MAINNET, Options, Part, Surroundings, plan

AROUND = Surroundings(
    var=Path("/srv/var"),
    bin=Path("/srv/.venv/bin"),
    redis_server=Path("/usr/bin/redis-server"),
    redis_port=6400,
    simulator_port=18777,
)


def parts(options: Options, around: Surroundings = AROUND) -> dict[str, Part]:
    return {part.name: part for part in plan(options, around).parts}


def test_the_demo_brings_its_own_exchange_and_starts_what_others_need_first() -> None:
    demo = plan(Options(demo=True), AROUND)

    assert [part.name for part in demo.parts] == [
        "redis",
        "simulator",
        "signal-system",
        "market-scraper",
    ]
    assert "http://127.0.0.1:18777" in demo.parts[-1].command


def test_without_the_demo_the_scraper_follows_mainnet() -> None:
    live = parts(Options())

    assert "simulator" not in live
    assert MAINNET in live["market-scraper"].command


@pytest.mark.parametrize(
    ("asked", "configured", "followed"),
    [
        (None, None, MAINNET),
        (None, "https://api.example.org/", "https://api.example.org"),
        ("http://127.0.0.1:9000", "https://api.example.org", "http://127.0.0.1:9000"),
    ],
)
def test_an_exchange_asked_for_wins_over_a_configured_one(
    asked: str | None, configured: str | None, followed: str
) -> None:
    settings = {"MARKET_SCRAPER_EXCHANGE_URL": configured} if configured else {}

    assert plan(Options(exchange=asked), replace(AROUND, settings=settings)).exchange == followed


def test_what_the_simulator_invents_never_meets_what_an_exchange_said() -> None:
    demo, live = plan(Options(demo=True), AROUND), plan(Options(), AROUND)

    assert demo.folder != live.folder
    assert demo.bus != live.bus


def test_both_services_meet_at_the_same_redis() -> None:
    started = parts(Options())
    bus = started["redis"].ready

    assert bus in started["market-scraper"].command
    assert started["signal-system"].settings["SIGNAL_SYSTEM_BUS_URL"] == bus


def test_our_redis_listens_on_a_socket_and_keeps_everything_in_an_append_only_file() -> None:
    command = " ".join(parts(Options())["redis"].command)

    assert "--port 0 --unixsocket /srv/var/api.hyperliquid.xyz/redis/redis.sock" in command
    assert "--appendonly yes --appendfsync always" in command
    assert "--maxmemory-policy noeviction" in command


def test_our_redis_listens_on_loopback_where_a_socket_path_would_be_too_long() -> None:
    deep = replace(AROUND, var=Path("/") / ("deep" * 30))

    redis = parts(Options(), deep)["redis"]

    assert redis.ready == "redis://127.0.0.1:6400/0"
    assert "--bind 127.0.0.1" in " ".join(redis.command)


def test_a_configured_redis_is_used_and_none_is_started() -> None:
    configured = replace(AROUND, configured_bus="redis://10.0.0.5:6379/0")

    started = parts(Options(), configured)

    assert "redis" not in started
    assert "redis://10.0.0.5:6379/0" in started["market-scraper"].command


def test_settings_already_made_stay_as_they_are() -> None:
    mine = replace(AROUND, settings={"SIGNAL_SYSTEM_DATA_DIR": "/data"})

    assert "SIGNAL_SYSTEM_DATA_DIR" not in parts(Options(), mine)["signal-system"].settings


def test_ports_and_the_number_of_traders_reach_the_services() -> None:
    started = parts(Options(port=5001, scraper_port=5000, max_traders=10))

    assert started["signal-system"].settings["SIGNAL_SYSTEM_API_PORT"] == "5001"
    assert started["market-scraper"].settings["MARKET_SCRAPER_API_PORT"] == "5000"
    assert started["market-scraper"].settings["MARKET_SCRAPER_MAX_TRADERS"] == "10"
