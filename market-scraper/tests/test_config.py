from pathlib import Path

import pytest

from market_scraper.config import MAINNET, Settings
from shared_events.errors import ConfigError


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_real_venue_and_a_roster_of_500() -> None:
    settings = Settings.read()

    assert settings.exchange_url == MAINNET
    assert settings.websocket_at == "wss://api.hyperliquid.xyz/ws"
    assert settings.leaderboard_at == "https://stats-data.hyperliquid.xyz/Mainnet/leaderboard"
    assert (settings.max_traders, settings.weight_limit) == (500, 840)
    assert settings.database == Path("var/market-scraper.db")


def test_a_simulators_addresses_follow_from_its_url() -> None:
    settings = Settings.read(exchange_url="http://127.0.0.1:18777/")

    assert settings.websocket_at == "ws://127.0.0.1:18777/ws"
    assert settings.leaderboard_at == "http://127.0.0.1:18777/leaderboard"


def test_a_venue_may_be_named_and_each_of_its_places_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read(exchange_url="mainnet").exchange_url == MAINNET
    assert Settings.read(exchange_url="testnet").websocket_at.endswith("testnet.xyz/ws")
    monkeypatch.setenv("MARKET_SCRAPER_WEBSOCKET_URL", "wss://mirror.example/ws/")
    monkeypatch.setenv("MARKET_SCRAPER_LEADERBOARD_URL", "https://mirror.example/board")

    settings = Settings.read()

    assert settings.websocket_at == "wss://mirror.example/ws"
    assert settings.leaderboard_at == "https://mirror.example/board"


def test_the_environment_is_read_and_an_option_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_SCRAPER_MAX_TRADERS", "10")
    monkeypatch.setenv("MARKET_SCRAPER_COINS", "BTC, HYPE")

    assert Settings.read().max_traders == 10
    assert Settings.read().coins == ("BTC", "HYPE")
    assert Settings.read(max_traders=20).max_traders == 20
    assert Settings.read(max_traders=None).max_traders == 10


def test_a_secret_may_come_as_a_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "market_scraper_BUS_URL").write_text("redis://:hush@127.0.0.1:6379/3\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert Settings.read().bus_url == "redis://:hush@127.0.0.1:6379/3"


def test_an_absolute_database_has_four_slashes() -> None:
    assert Settings.read(storage_url="sqlite:////srv/a.db").database == Path("/srv/a.db")
    assert Settings.read(storage_url="memory://").database is None


def test_a_mongodb_has_a_file_beside_it_and_its_secret_is_not_shown() -> None:
    settings = Settings.read(storage_url="mongodb://me:hush@db/history")

    assert settings.mongodb
    assert settings.database == Path("var/market-scraper.db")
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TRADERS", "none"),
        ("MAX_TRADERS", "0"),
        ("WEIGHT_SHARE", "1.5"),
        ("BUDGET_SHARE", "0"),
        ("BUDGET_URL", "http://127.0.0.1"),
        ("WEBSOCKET_URL", "https://venue/ws"),
        ("LEADERBOARD_URL", "wss://venue"),
        ("EXCHANGE_URL", "ftp://venue"),
        ("BUS_URL", "localhost:6379"),
        ("STORAGE_URL", "mysql://x"),
        ("INTERVALS", "7m"),
        ("LOG_LEVEL", "loud"),
        ("API_PORT", "70000"),
        ("REPUBLISH_SECONDS", "nan"),
        ("CONTEXTS_SECONDS", "inf"),
        ("EXCHANGE_URL", "https://"),
    ],
)
def test_a_wrong_setting_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"MARKET_SCRAPER_{name}", value)

    with pytest.raises(ConfigError, match=f"MARKET_SCRAPER_{name} is "):
        Settings.read()


def test_a_password_in_a_wrong_url_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_SCRAPER_BUS_URL", "rediz://me:hush@host/0")

    with pytest.raises(ConfigError) as caught:
        Settings.read()

    assert "hush" not in str(caught.value)


def test_a_misspelt_setting_is_refused_with_the_right_spelling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MARKET_SCRAPER_BUS_ULR", "redis://127.0.0.1:1/0")

    with pytest.raises(ConfigError, match="did you mean MARKET_SCRAPER_BUS_URL"):
        Settings.read()
