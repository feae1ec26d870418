"""Everything about the scraper that may differ between two machines."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared_events.errors import ConfigError
from shared_events.payloads import Interval
from shared_events.runtime.config import refuse_misspelt
from shared_events.types import Number

_CREDENTIALS_FOLDER = "CREDENTIALS_DIRECTORY"
_CREDENTIALS = re.compile(r"://[^@/]*@")
PREFIX = "MARKET_SCRAPER_"
MAINNET = "https://api.hyperliquid.xyz"
_VENUES = {"mainnet": MAINNET, "testnet": "https://api.hyperliquid-testnet.xyz"}
_MAINNET_LEADERBOARD = "https://stats-data.hyperliquid.xyz/Mainnet/leaderboard"
_REDIS = ("redis", "rediss", "unix")
_BUSES = (*_REDIS, "memory", "http", "https")
_SYMBOL = re.compile("[A-Z0-9_]{2,30}")
_STORES = ("sqlite", "memory", "mongodb", "mongodb+srv")
_VENUE_WEIGHT_A_MINUTE = 1_200
_DAY = 86_400
_DATABASE = "sqlite:///var/market-scraper.db"
_INTERVAL_NAMES = ("1m", "5m", "15m", "1h", "4h", "1d")


class Settings(BaseSettings):
    """Read once, in the entry point, and passed down from there.

    Environment variables are ``MARKET_SCRAPER_<NAME>``; lists are written ``BTC,ETH,SOL``. Secrets may
    come as systemd credentials instead: files of that name in the credentials directory.

    Parameters
    ----------
    exchange_url, websocket_url, leaderboard_url
        The venue, by URL or by name (``mainnet``, ``testnet``); the other two follow from it unless they
        are set.
    bus_key
        The API key, if `bus_url` is the signal system's own ``http://`` address.
    budget_share
        The part of what the venue allows one address that is ours: below 1 if something else uses the
        address, too. It concerns requests, connections, subscriptions, messages and users.
    weight_share
        The part of our request weights that we spend.
    budget_url
        The Redis in which all processes on this address share the request budget; None: the bus's, if
        that is one. ``memory://`` shares with nobody.
    connection_seconds
        How old a websocket connection may grow before another takes over; less once the venue ended
        one earlier.
    standby_url
        The SQLite file beside a MongoDB, for when that is away.
    save_seconds
        How long rows are gathered before they are written.
    position_max_interval_seconds
        After so long a position is written although nothing changed.
    positions_fine_days, positions_days
        After how long one row an hour is kept of a position's history, and after how long its end alone.
    leaderboard_fine_days
        After how long one row a day is kept of a leaderboard line's history.
    least_account_value
        USD an account must hold to be tracked.
    republish_seconds
        How often every whole book, and the whole roster, is published again.
    coalesce_ms
        For how long changes of one trader are gathered into one event.
    sources
        Other people's services that are read; none unless named here.
    source_urls
        Where they are, if elsewhere: ``cbbi=https://mirror.example/latest.json,binance=https://...``.
    allow_private_sources
        Whether they may be inside a private network, and spoken to without encryption.
    context_days
        How far back slow indicators are told.
    binance_symbols, binance_seconds
        Which of Binance's markets are followed, and how often it is asked how they stand.
    record_folder, record_bytes
        Where everything that comes in is written down as it came, and how much of it is kept; None: nowhere.
    user_slots
        How many wallets' own fills are listened to. The venue allows an address ten; two are left to others.
    builder_exchanges
        Whether the perpetuals that builders list beside the venue's own are followed, too.
    leaderboard_rows
        How many rows of each window's ranking are published.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    exchange_url: Annotated[str, Field(max_length=500)] = MAINNET
    websocket_url: Annotated[str, Field(max_length=500)] | None = None
    leaderboard_url: Annotated[str, Field(max_length=500)] | None = None
    bus_url: Annotated[str, Field(max_length=500)] = "redis://127.0.0.1:6379/0"
    bus_key: SecretStr | None = None
    storage_url: Annotated[str, Field(max_length=500, repr=False)] = _DATABASE
    standby_url: Annotated[str, Field(max_length=500)] = _DATABASE
    save_seconds: Annotated[float, Field(ge=0.1, le=600)] = 5
    position_max_interval_seconds: Annotated[float, Field(ge=1, le=_DAY)] = 14_400
    positions_fine_days: Annotated[float, Field(gt=0, le=36_500)] = 7
    positions_days: Annotated[float, Field(gt=0, le=36_500)] = 90
    leaderboard_fine_days: Annotated[float, Field(gt=0, le=36_500)] = 36_500
    max_traders: Annotated[int, Field(ge=1, le=50_000)] = 500
    least_account_value: Annotated[Number, Field(ge=0)] = Number(1_000)
    budget_share: Annotated[float, Field(ge=0.05, le=1)] = 1
    weight_share: Annotated[float, Field(ge=0.1, le=1)] = 0.7
    budget_url: Annotated[str, Field(max_length=500)] | None = None
    connection_seconds: Annotated[float, Field(ge=1, le=7 * _DAY)] = 21_600
    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65_535)] = 4340
    republish_seconds: Annotated[float, Field(ge=10, le=_DAY)] = 900
    coalesce_ms: Annotated[int, Field(ge=0, le=1_000)] = 20
    coins: Annotated[tuple[str, ...], NoDecode] = ("BTC", "ETH", "SOL")
    intervals: Annotated[tuple[Interval, ...], NoDecode] = ("1h",)
    candle_days: Annotated[int, Field(ge=1, le=2_000)] = 180
    contexts_seconds: Annotated[float, Field(ge=1, le=_DAY)] = 10
    leaderboard_seconds: Annotated[float, Field(ge=1, le=_DAY)] = 3_600
    leaderboard_rows: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    audit_seconds: Annotated[float, Field(ge=1, le=_DAY)] = 60
    sources: Annotated[tuple[str, ...], NoDecode] = ()
    source_urls: Annotated[dict[str, str], NoDecode] = {}
    allow_private_sources: bool = False
    context_days: Annotated[int, Field(ge=1, le=10_000)] = 400
    binance_symbols: Annotated[tuple[str, ...], NoDecode] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    binance_seconds: Annotated[float, Field(ge=1, le=_DAY)] = 10
    user_slots: Annotated[int, Field(ge=0, le=8)] = 8
    builder_exchanges: bool = True
    status_seconds: Annotated[float, Field(ge=0.1, le=_DAY)] = 5
    record_folder: Path | None = None
    record_bytes: Annotated[int, Field(ge=1 << 20, le=1 << 50)] = 20_000_000_000
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def read(cls, **given: object) -> Self:
        """Read the environment, with `given` before it.

        Raises
        ------
        ConfigError
            Naming the variable and what to change.
        """
        refuse_misspelt(PREFIX, cls.model_fields)
        chosen = {name: value for name, value in given.items() if value is not None}
        try:
            return cls(_secrets_dir=os.environ.get(_CREDENTIALS_FOLDER), **chosen)  # type: ignore[arg-type]
        except ValidationError as e:
            first = e.errors(include_url=False)[0]
            variable = PREFIX + "__".join(map(str, first["loc"][:1])).upper()
            wrong = _CREDENTIALS.sub("://***@", str(first["input"]))[:100]
            raise ConfigError(f"{variable} is {wrong!r}: {_advice(first)}.") from e

    @field_validator("coins", "intervals", "sources", "binance_symbols", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("source_urls", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        return {name.strip(): url.strip() for name, _, url in pairs}

    @field_validator("binance_symbols")
    @classmethod
    def _are_symbols(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [symbol for symbol in value if not _SYMBOL.fullmatch(symbol)]
        if wrong:
            raise ValueError(f"{wrong[0][:40]!r} is no symbol; write them as BTCUSDT,ETHUSDT")
        return value

    @field_validator("exchange_url")
    @classmethod
    def _is_web(cls, value: str) -> str:
        return _place(_VENUES.get(value, value), ("http", "https"), MAINNET)

    @field_validator("websocket_url")
    @classmethod
    def _is_websocket(cls, value: str | None) -> str | None:
        return value and _place(value, ("ws", "wss"), "wss://api.hyperliquid.xyz/ws")

    @field_validator("leaderboard_url")
    @classmethod
    def _is_file_on_the_web(cls, value: str | None) -> str | None:
        return value and _place(value, ("http", "https"), _MAINNET_LEADERBOARD)

    @field_validator("bus_url")
    @classmethod
    def _is_bus(cls, value: str) -> str:
        return _with_scheme(value, _BUSES, "redis://127.0.0.1:6379/0 or memory://")

    @field_validator("budget_url")
    @classmethod
    def _is_budget(cls, value: str | None) -> str | None:
        schemes = (*_REDIS, "memory")
        return value and _with_scheme(value, schemes, "redis://127.0.0.1:6379/0 or memory://")

    @field_validator("storage_url")
    @classmethod
    def _is_store(cls, value: str) -> str:
        return _with_scheme(value, _STORES, f"{_DATABASE}, mongodb://HOST/NAME or memory://")

    @field_validator("standby_url")
    @classmethod
    def _is_file(cls, value: str) -> str:
        return _with_scheme(value, ("sqlite",), _DATABASE)

    @property
    def websocket_at(self) -> str:
        """Where the venue's websocket is."""
        return self.websocket_url or f"ws{self.exchange_url.removeprefix('http')}/ws"

    @property
    def leaderboard_at(self) -> str:
        """Where the leaderboard file lies: the real venue has it on a host of its own."""
        if self.leaderboard_url is not None:
            return self.leaderboard_url
        if self.exchange_url == MAINNET:
            return _MAINNET_LEADERBOARD
        return f"{self.exchange_url}/leaderboard"

    @property
    def weight_limit(self) -> int:
        """The request weight that may be spent in any minute."""
        return int(_VENUE_WEIGHT_A_MINUTE * self.budget_share * self.weight_share)

    @property
    def budget_redis(self) -> str | None:
        """Where the request budget is shared; None if it is not."""
        url = self.bus_url if self.budget_url is None else self.budget_url
        return url if url.partition("://")[0] in _REDIS else None

    @property
    def mongodb(self) -> bool:
        """Whether a MongoDB keeps what is kept."""
        return self.storage_url.startswith("mongodb")

    @property
    def database(self) -> Path | None:
        """The SQLite file, be it the store or the one beside a MongoDB; None if nothing is kept."""
        scheme, _, path = (self.standby_url if self.mongodb else self.storage_url).partition("://")
        return Path(path.removeprefix("/")) if scheme == "sqlite" else None

    @property
    def candle_history(self) -> timedelta:
        """How far back candles are asked for."""
        return timedelta(days=self.candle_days)


def _place(value: str, schemes: tuple[str, ...], example: str) -> str:
    if not urlsplit(_with_scheme(value, schemes, example)).hostname:
        raise ValueError(f"it names no host; set it to a URL such as {example}")
    return value.rstrip("/")


def _with_scheme(value: str, schemes: tuple[str, ...], example: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes:
        raise ValueError(f"set it to a URL such as {example}")
    return value


def _advice(error: object) -> str:
    details = error if isinstance(error, dict) else {}
    message = str(details.get("msg", "")).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
