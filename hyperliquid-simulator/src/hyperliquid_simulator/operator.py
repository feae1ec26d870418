"""Hooks for tests and demonstrations, on loopback only; no part of the venue's API."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from ipaddress import ip_address
from typing import Any, Final, TypeVar

import orjson
from aiohttp import web

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.margin import whole
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.driver import Engine, Stepper
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.protocol.faults import Faults
from hyperliquid_simulator.protocol.limits import Limits
from hyperliquid_simulator.wire import exact
from hyperliquid_simulator.world.events import Hidden, Method
from hyperliquid_simulator.world.listings import candidate

SIDES: Final = {"long": 1, "short": -1}
LARGEST_BURST: Final = 1_000_000
LARGEST_JUMP: Final = 10
LONGEST_STEP_S: Final = 86_400


Chosen = TypeVar("Chosen", Method, Hidden)
Hook = Callable[[dict[str, Any]], Any | Awaitable[Any]]


class Operator:
    """Looks behind the venue's curtain and pulls its strings."""

    def __init__(
        self, engine: Engine, limits: Limits, faults: Faults, stepper: Stepper | None
    ) -> None:
        self._engine = engine
        self._world = engine.world
        self._limits = limits
        self._faults = faults
        self._stepper = stepper

    def routes(self) -> list[web.RouteDef]:
        """Return the hooks' addresses."""
        return [
            web.get("/simulator/truth", self._guarded(self._truth)),
            web.get("/simulator/limits", self._guarded(lambda _: self._limits.report())),
            web.post("/simulator/flip", self._guarded(self._flip)),
            web.post("/simulator/pause", self._guarded(lambda _: self._trade(on=False))),
            web.post("/simulator/resume", self._guarded(lambda _: self._trade(on=True))),
            web.post("/simulator/burst", self._guarded(self._burst)),
            web.post("/simulator/list", self._guarded(self._list)),
            web.post("/simulator/delist", self._guarded(self._delist)),
            web.post("/simulator/jump", self._guarded(self._jump)),
            web.post("/simulator/liquidate", self._guarded(self._liquidate)),
            web.post("/simulator/hidden", self._guarded(self._hide)),
            web.post("/simulator/fault", self._guarded(self._fault)),
            web.get("/simulator/faults", self._guarded(lambda _: self._faults.report())),
            web.get("/simulator/pace", self._guarded(lambda _: self._engine.lateness.report())),
            web.post("/simulator/step", self._guarded(self._step)),
        ]

    def _guarded(self, hook: Hook) -> Any:
        async def handle(request: web.Request) -> web.Response:
            if not ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104
                raise web.HTTPNotFound
            try:
                answer = hook(_body(await request.read()))
                answer = await answer if isawaitable(answer) else answer
            except ConfigError as e:
                return web.json_response({"error": str(e)}, status=400)
            return web.Response(body=orjson.dumps(answer), content_type="application/json")

        return handle

    def _truth(self, _body: dict[str, Any]) -> Any:
        world = self._world
        names = [coin.name for coin in world.coins]
        return {
            "time": world.time,
            "trading": world.trading,
            "directions": {
                name: "long" if direction > 0 else "short"
                for name, direction in zip(names, world.flow.directions, strict=False)
            },
            "planted": {
                trader.address: [names[coin] for coin in trader.coins]
                for trader in world.population.traders
                if trader.planted
            },
            "styles": {trader.address: trader.style for trader in world.population.traders},
            "books": self._books(OWN),
            "builderBooks": {
                dex.name: self._books(dex.name) for dex in world.board.dexes if dex.name != OWN
            },
        }

    def _books(self, dex: str) -> dict[str, dict[str, str]]:
        """Return what everybody holds on a perp dex, by address and coin."""
        world, marks = self._world, self._world.marks
        return {
            world.addresses[account.index]: {
                held.coin.name: exact(held.lots, held.coin.size_decimals)
                for held in whole(account, world.board.perps, marks, dex).holdings
            }
            for account in world.ledger.accounts
        }

    def _flip(self, body: dict[str, Any]) -> Any:
        coin, side = str(body.get("coin")), str(body.get("side"))
        index = self._world.coin_index.get(coin)
        if index is None or index >= len(self._world.flow.directions) or side not in SIDES:
            raise ConfigError("flip needs a perpetual 'coin' and 'side': 'long' or 'short'.")
        self._world.flip(index, SIDES[side])
        return {"time": self._world.time}

    def _trade(self, *, on: bool) -> Any:
        self._world.trading = on
        return {"time": self._world.time, "trading": on}

    def _burst(self, body: dict[str, Any]) -> Any:
        trades = body.get("trades")
        if not isinstance(trades, int) or not 0 < trades <= LARGEST_BURST:
            raise ConfigError(f"burst needs 'trades', 1 to {LARGEST_BURST}.")
        self._world.burst(trades)
        return {"time": self._world.time}

    def _jump(self, body: dict[str, Any]) -> Any:
        factor = body.get("factor")
        if isinstance(factor, bool) or not isinstance(factor, int | float):
            raise ConfigError("jump needs 'factor', which multiplies the price.")
        if not 1 / LARGEST_JUMP <= factor <= LARGEST_JUMP:
            raise ConfigError(f"jump needs 'factor' between 1/{LARGEST_JUMP} and {LARGEST_JUMP}.")
        self._world.jump(self._coin(body), factor)
        return {"time": self._world.time}

    def _liquidate(self, body: dict[str, Any]) -> Any:
        method = _choice(Method, body, "method", Method.MARKET)
        self._world.events.liquidate(self._account(body), method)
        return {"time": self._world.time}

    def _hide(self, body: dict[str, Any]) -> Any:
        coin = None if body.get("coin") is None else self._coin(body)
        self._world.events.hide(self._account(body), _choice(Hidden, body, "kind"), coin)
        return {"time": self._world.time}

    def _coin(self, body: dict[str, Any]) -> int:
        coin = str(body.get("coin"))
        if coin not in self._world.coin_index:
            raise ConfigError(f"no coin is listed as {coin!r}.")
        return self._world.coin_index[coin]

    def _account(self, body: dict[str, Any]) -> Account:
        user = str(body.get("user")).lower()
        trader = self._world.population.by_address.get(user)
        if trader is None:
            raise ConfigError(f"no account of this venue has the address {user!r}.")
        return self._world.ledger.accounts[trader.index]

    def _list(self, body: dict[str, Any]) -> Any:
        coin = candidate(body)
        return {"time": self._world.time, "coin": coin.name, "index": self._world.list_coin(coin)}

    def _delist(self, body: dict[str, Any]) -> Any:
        index = self._world.coin_index.get(str(body.get("coin")))
        if index is None:
            raise ConfigError("delist needs a listed 'coin'.")
        self._world.delist(index)
        return {"time": self._world.time}

    def _fault(self, body: dict[str, Any]) -> Any:
        fault = self._faults.add(body)
        return {"at": fault.at, "for": fault.lasts}

    async def _step(self, body: dict[str, Any]) -> Any:
        seconds = body.get("seconds")
        if self._stepper is None:
            raise ConfigError("this venue moves by itself; start it with --stepped to step it.")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ConfigError("step needs 'seconds'.")
        if not 0 < seconds <= LONGEST_STEP_S:
            raise ConfigError(f"step needs 'seconds' between 0 and {LONGEST_STEP_S}.")
        blocks = await self._stepper.step(seconds)
        return {"time": self._world.time, "blocks": blocks}


def _choice(
    among: type[Chosen], body: dict[str, Any], name: str, usual: Chosen | None = None
) -> Chosen:
    """Read one of the members of an enumeration."""
    value = body.get(name, usual)
    if value not in list(among):
        raise ConfigError(f"{name!r} must be one of {', '.join(among)}.")
    return among(value)


def _body(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as e:
        raise ConfigError(f"the body is not JSON ({e}).") from e
    if not isinstance(body, dict):
        raise ConfigError("the body must be a JSON object.")
    return body
