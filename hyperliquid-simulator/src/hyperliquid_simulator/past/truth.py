"""The planted truth as a document: what no request of the venue tells and a test must know."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson

from hyperliquid_simulator.accounts.population import Trader
from hyperliquid_simulator.coins.market import DAY_MS, MINUTE_MS, REGIMES, SHARED
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.past.past import Past

FORMAT: Final = 1
HORIZON_HOURS: Final = 24

Truth = Mapping[str, Any]


def truth_of(past: Past, config: Config) -> Truth:
    """Return who was planted with what, what the regimes were, and from which settings it came."""
    return {
        "format": FORMAT,
        "simulator": version("hyperliquid-simulator"),
        "parameters": _parameters(config),
        "from": past.origin_ms,
        "to": past.origin_ms + past.minutes * MINUTE_MS,
        "skill": {
            "horizon_hours": HORIZON_HOURS,
            "meaning": "correlation, over an account's decisions, of its exposure with the coin's"
            " residual log return of the next hours in units of that residual's own volatility",
        },
        "accounts": {t.address: _account(past, t) for t in past.population.traders},
        "coins": _coins(past),
        "market": {"regimes": _regimes(past, 0), "jumps": _jumps(past, None)},
    }


def write_truth(truth: Truth, path: Path) -> None:
    """Write a truth at once: whoever reads the file sees all of it or none.

    Raises
    ------
    ConfigError
        If it cannot be written there.
    """
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.write_bytes(orjson.dumps(truth, option=orjson.OPT_INDENT_2) + b"\n")
        unfinished.replace(path)
    except OSError as e:
        raise ConfigError(f"--truth: cannot write {path} ({e.strerror}).") from e


def _parameters(config: Config) -> dict[str, Any]:
    kept = {
        name: value
        for name, value in asdict(config).items()
        if name not in {"host", "port", "limits", "faults", "socket_lifetime"}
    }
    return kept | {
        "start": config.start.isoformat() if config.start else None,
        "shares": {str(style): share for style, share in config.shares.items()},
    }


def _account(past: Past, trader: Trader) -> dict[str, Any]:
    people = past.population.traders
    led_by = _vault_leader(past, trader)
    follows = trader.follows
    died = past.deaths.get(trader.index)
    return {
        "style": trader.style,
        "ic": dict(zip(REGIMES, trader.ic, strict=True)),
        "coins": [past.coins[coin].name for coin in trader.coins],
        "capital": trader.capital,
        "exposure": trader.exposure,
        "decisions_per_day_and_coin": trader.tempo,
        "ranked": trader.ranked,
        "leader": people[follows.leader].address if follows else None,
        "lag_minutes": follows.lag_minutes if follows else None,
        "scale": follows.scale if follows else None,
        "master": None if trader.master is None else people[trader.master].address,
        "vault_leader": led_by.address if led_by else None,
        "entity": _head(past, trader),
        "partner": None if trader.partner is None else people[trader.partner].address,
        "decides_from": past.origin_ms + trader.days[0] * DAY_MS,
        "decides_until": None
        if trader.days[1] is None
        else past.origin_ms + trader.days[1] * DAY_MS,
        "liquidated_at": None if died is None else past.origin_ms + died * MINUTE_MS,
    }


def _head(past: Past, trader: Trader) -> str:
    """Return the account that decides for this one: its master's, its vault's leader, or itself."""
    if trader.master is not None:
        return _head(past, past.population.traders[trader.master])
    led_by = _vault_leader(past, trader)
    return led_by.address if led_by else trader.address


def _vault_leader(past: Past, trader: Trader) -> Trader | None:
    people = past.population
    return people.leader(trader) if trader in people.vaults else None


def _coins(past: Past) -> dict[str, Any]:
    delays, betas = past.prices.delays.tolist(), past.prices.betas.tolist()
    return {
        coin.name: {
            "yearly_volatility": coin.volatility,
            "beta": betas[index],
            "residual_share": 1 - SHARED**2,
            "regimes": _regimes(past, delays[index]),
            "jumps": _jumps(past, index),
        }
        for index, coin in enumerate(past.coins)
    }


def _regimes(past: Past, delay: int) -> list[dict[str, Any]]:
    """Return the regimes of the past in order, the first from its beginning on."""
    turns = [(max(minute + delay, 0), state) for minute, state in past.prices.turns]
    return [
        {"from": past.origin_ms + minute * MINUTE_MS, "state": REGIMES[state]}
        for minute, state in turns
        if minute < past.minutes
    ]


def _jumps(past: Past, coin: int | None) -> list[dict[str, Any]]:
    return [
        {"at": past.origin_ms + jump.minute * MINUTE_MS, "log_return": round(jump.size, 6)}
        for jump in past.prices.jumps
        if jump.coin == coin and jump.minute < past.minutes
    ]
