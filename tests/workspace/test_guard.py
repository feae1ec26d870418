import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from workspace.up import guard
from workspace.up.errors import UpError
from workspace.up.plan import Options
from workspace.up.ports import free_port
from workspace.up.settings import configured, configured_bus


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen on a loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_second_start_in_the_same_folder_is_refused_and_names_the_first(tmp_path: Path) -> None:
    with (
        guard.only_one(tmp_path),
        pytest.raises(UpError, match=f"already runs .*pid {os.getpid()}"),
    ):
        guard.only_one(tmp_path).__enter__()


def test_the_folder_is_free_again_once_the_first_has_ended(tmp_path: Path) -> None:
    with guard.only_one(tmp_path):
        pass

    with guard.only_one(tmp_path):
        pass


def test_a_taken_port_is_reported_with_its_holder_and_the_option_that_changes_it(
    taken: int,
) -> None:
    with pytest.raises(UpError, match=rf"port {taken} is taken by pid {os.getpid()} .*--port"):
        guard.ports_are_free(Options(port=taken, scraper_port=free_port()))


def test_a_taken_scraper_port_names_its_own_option(taken: int) -> None:
    with pytest.raises(UpError, match="--scraper-port"):
        guard.ports_are_free(Options(port=free_port(), scraper_port=taken))


def test_an_exchange_that_answers_is_accepted(taken: int) -> None:
    guard.exchange_is_reachable(f"http://127.0.0.1:{taken}")


def test_without_a_way_to_the_exchange_the_demo_is_suggested() -> None:
    with pytest.raises(UpError, match=r"127.0.0.1 cannot be reached \(.*scripts/up --demo"):
        guard.exchange_is_reachable(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("url", ["api.hyperliquid.xyz", "ftp://example.org", "https://"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(UpError, match="--exchange wants a URL"):
        guard.exchange_is_reachable(url)


def test_services_told_to_meet_at_different_places_are_refused() -> None:
    with pytest.raises(UpError, match="differ"):
        configured_bus(
            {"MARKET_SCRAPER_BUS_URL": "redis://a", "SIGNAL_SYSTEM_BUS_URL": "redis://b"}
        )


def test_a_redis_named_for_one_service_serves_both() -> None:
    assert (
        configured_bus({"SIGNAL_SYSTEM_BUS_URL": "redis://b", "REDIS_URL": "redis://c"})
        == "redis://b"
    )
    assert configured_bus({"REDIS_URL": "redis://c"}) == "redis://c"
    assert configured_bus({}) is None


def test_the_environment_wins_over_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://file\nSIGNAL_SYSTEM_API_PORT=1\n")
    monkeypatch.setenv("REDIS_URL", "redis://environment")

    settings = configured(tmp_path)

    assert settings["REDIS_URL"] == "redis://environment"
    assert settings["SIGNAL_SYSTEM_API_PORT"] == "1"
