"""What the venue's own page asks for: an account at a glance, and what it could trade."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.accounts.margin import Holding, whole
from hyperliquid_simulator.accounts.styles import VAULTS
from hyperliquid_simulator.answers import affiliation, markets, views
from hyperliquid_simulator.answers.fields import text, user
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.coins.funding import HOUR_MS
from hyperliquid_simulator.errors import internal
from hyperliquid_simulator.wire import dollars, exact, noisy
from hyperliquid_simulator.world.world import World

USUAL_LEVERAGE: Final = 20
"""Of an address that never traded."""


def web_data_2(world: World, request: Json) -> Json:
    """Return the page's old answer, with all markets in it; the websocket has it no more."""
    address = user(request)
    trader, account = world.population.by_address.get(address), world.account(address)
    perps, marks = world.board.perps, world.marks
    spot = views.spot_clearinghouse_state(account, world.board.tokens, perps, marks)
    return {
        "clearinghouseState": views.clearinghouse_state(account, perps, marks, world.state_time),
        "leadingVaults": _led(world, address),
        "totalVaultEquity": _vault_equity(world, address),
        "openOrders": [],
        **_agent(world, address),
        "cumLedger": dollars(account.deposited if account else 0),
        "meta": markets.meta(world, {}),
        "assetCtxs": markets.contexts(world),
        "serverTime": world.time,
        "isVault": trader is not None and trader.style in VAULTS,
        "user": address,
        "twapStates": [],
        **({"spotState": {"balances": spot["balances"]}} if spot["balances"] else {}),
        "spotAssetCtxs": [markets.context(world, pair) for pair in world.board.pairs()],
        "perpsAtOpenInterestCap": [],
    }


def web_data_3(world: World, address: str) -> Json:
    """Return the page's present frame: who an account is, and vaults per dex; no positions."""
    trader, account = world.population.by_address.get(address), world.account(address)
    is_vault = trader is not None and trader.style in VAULTS
    state = {
        **_agent(world, address),
        "cumLedger": dollars(account.deposited if account else 0),
        "serverTime": world.time,
        "isVault": is_vault,
        "user": address,
    }
    if not is_vault:
        state |= {
            "dexAbstractionEnabled": False,
            "abstraction": trader.abstraction if trader else "default",
            "optOutOfSpotDusting": False,
        }
    led = _led(world, address)
    own = {"totalVaultEquity": _vault_equity(world, address), "perpsAtOpenInterestCap": []}
    others = [{"totalVaultEquity": "0.0"} for dex in world.board.dexes if dex.name != OWN]
    return {
        "userState": state,
        "perpDexStates": [own | ({"leadingVaults": led} if led else {}), *others],
    }


def active_asset_data(world: World, address: str, coin: int) -> Json:
    """Return an account's leverage in a perpetual and what it could trade: to buy, and to sell.

    Turning a position around frees its margin and takes as much again for the other side.
    """
    perp, quote = world.board.perps[coin], world.market.quotes[coin]
    pool = whole(world.account(address), world.board.perps, world.marks, perp.dex)
    held = next((h for h in pool.holdings if h.index == coin), None)
    held = held or _nothing_held(world, address, perp, coin)
    free, freed = pool.parts[0].withdrawable, 2 * held.margin
    available = [free + freed * (held.lots < 0), free + freed * (held.lots > 0)]
    return {
        "user": address,
        "coin": perp.name,
        "leverage": views.leverage(held),
        "maxTradeSzs": [
            exact(usd * held.leverage // quote.mark, perp.size_decimals) for usd in available
        ],
        "availableToTrade": [dollars(usd) for usd in available],
        "markPx": views.mark(perp, quote),
    }


def _nothing_held(world: World, address: str, perp: Perp, coin: int) -> Holding:
    account, mark = world.account(address), world.market.quotes[coin].mark
    usual = account.leverage if account else USUAL_LEVERAGE
    return Holding(coin, perp, mark, min(usual, perp.max_leverage), Position())


def _active_asset_data(world: World, request: Json) -> Json:
    coin = world.coin_index.get(text(request, "coin"))
    if coin not in world.board.perps:
        raise internal()
    return active_asset_data(world, user(request), coin)


def _agent(world: World, address: str) -> Json:
    """Return the newest agent that may sign for an address."""
    agents = affiliation.extra_agents(world, {"user": address})
    if not agents:
        return {"agentAddress": None, "agentValidUntil": None}
    return {"agentAddress": agents[-1]["address"], "agentValidUntil": agents[-1]["validUntil"]}


def _led(world: World, address: str) -> list[Json]:
    """Return the vaults that an address leads."""
    people = world.population
    led = [trader for trader in people.vaults if people.leader(trader).address == address]
    vaults = [affiliation.vault(world, trader) for trader in led]
    return [{"address": vault.address, "name": vault.name} for vault in vaults]


def _vault_equity(world: World, address: str) -> str:
    """Return what an address has in all vaults together."""
    rows = affiliation.vault_equities(world, {"user": address})
    return noisy(sum(float(row["equity"]) for row in rows))


def _predicted_fundings(world: World, _request: Json) -> list[list[Any]]:
    """Return what the venue will charge next for each coin of its own; no other venue is known."""
    due = (world.time // HOUR_MS + 1) * HOUR_MS
    return [
        [
            world.coins[coin].name,
            [["HlPerp", {"fundingRate": noisy(rate), "nextFundingTime": due}]],
        ]
        for coin, rate in enumerate(world.funding.rates)
        if coin in world.board.universe(OWN)
    ]


OVERVIEW: Final[Mapping[str, Callable[[World, Json], Any]]] = {
    "webData2": web_data_2,
    "activeAssetData": _active_asset_data,
    "predictedFundings": _predicted_fundings,
    "perpsAtOpenInterestCap": lambda _world, _request: [],
}
"""The request types of the venue's page, and the functions that answer them."""
