"""Who an address is and whom it belongs to: roles, agents, sub-accounts, vaults."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hyperliquid_simulator.accounts.population import Trader
from hyperliquid_simulator.accounts.stakes import stakes
from hyperliquid_simulator.accounts.styles import VAULTS, Style
from hyperliquid_simulator.answers import views
from hyperliquid_simulator.answers.fields import user
from hyperliquid_simulator.answers.vaults import Vault
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.wire import MICRO
from hyperliquid_simulator.world.world import World

AGENT_LIFE_MS: Final = 180 * 86_400_000
"""An agent is approved for that long, and approved again in time."""


def role(world: World, request: Json) -> Json:
    """Return what kind of address one is, and of which other."""
    address, people = user(request), world.population
    if address in people.agents:
        return {"role": "agent", "data": {"user": people.agents[address]}}
    trader = people.by_address.get(address)
    if trader is None:
        return {"role": "missing"}
    if trader.style in VAULTS:
        return {"role": "vault"}
    if trader.master is not None:
        return {"role": "subAccount", "data": {"master": world.addresses[trader.master]}}
    return {"role": "user"}


def extra_agents(world: World, request: Json) -> list[Json]:
    """Return who may sign for an account."""
    owner = user(request)
    agents = [agent for agent, of in world.population.agents.items() if of == owner]
    until = (world.time // AGENT_LIFE_MS + 2) * AGENT_LIFE_MS
    return [
        {"name": f"bot {nth}", "address": agent, "validUntil": until}
        for nth, agent in enumerate(agents, start=1)
    ]


def abstraction(world: World, request: Json) -> str:
    """Return whether an account's perp and spot money are one."""
    trader = world.population.by_address.get(user(request))
    return trader.abstraction if trader else "default"


def sub_accounts(world: World, request: Json) -> list[Json] | None:
    """Return an account's sub-accounts and what they hold on the main dex."""
    return [
        named
        | {
            "clearinghouseState": _state(world, child, ""),
            "spotState": _spot_state(world, child),
        }
        for child, named in _children(world, request)
    ] or None


def sub_accounts_on_all_dexes(world: World, request: Json) -> list[Json] | None:
    """Return an account's sub-accounts and what they hold on every dex."""
    dexes = [dex.name for dex in world.board.dexes]
    return [
        named
        | {
            "dexToClearinghouseState": [[dex, _state(world, child, dex)] for dex in dexes],
            "spotState": _spot_state(world, child),
            "abstraction": child.abstraction,
        }
        for child, named in _children(world, request)
    ] or None


def vault_details(world: World, request: Json) -> Json | None:
    """Return what a vault tells about itself and about one of its followers."""
    trader = world.population.by_address.get(user(request, "vaultAddress"))
    asking = user(request) if request.get("user") is not None else None
    if trader is None or trader.style not in VAULTS:
        return None
    return vault(world, trader).details(asking)


def vault_equities(world: World, request: Json) -> list[Json]:
    """Return what an address has in every vault it is in."""
    owner, people = user(request), world.population
    parted = [child for parent in people.vaults for child in people.children(parent)]
    all_vaults = [vault(world, trader) for trader in (*people.vaults, *parted)]
    return [found.equity_of(owner) for found in all_vaults if owner in found.stakes]


def vault(world: World, trader: Trader) -> Vault:
    """Return a vault now; what its children hold belongs to it."""
    people, marks = world.population, world.marks
    members = [trader, *people.children(trader)]
    parent = trader if trader.master is None else people.traders[trader.master]
    owned = stakes(trader.index, world.cashbook.of(trader.index))
    states = [_state(world, member, dex.name) for member in members for dex in world.board.dexes]
    return Vault(
        name=_vault_name(world, trader),
        address=trader.address,
        leader=people.leader(parent).address,
        stakes={world.addresses[who]: stake for who, stake in owned.items()},
        equity=sum(world.ledger.accounts[member.index].equity(marks) for member in members),
        withdrawable=round(sum(float(state["withdrawable"]) for state in states) * MICRO),
        portfolio=_portfolio(world, [member.index for member in members]),
        relationship=_relationship(world, trader),
        time=world.time,
    )


def portfolio(world: World, request: Json) -> list[list[Any]]:
    """Return the eight windows of an account; those of a vault include its children."""
    people = world.population
    trader = people.by_address.get(user(request))
    if trader is None:
        return views.empty_portfolio()
    members = [trader.index, *(child.index for child in people.children(trader))]
    return _portfolio(world, members)


def _portfolio(world: World, accounts: list[int]) -> list[list[Any]]:
    return world.history.portfolio(world.standing(accounts), accounts)


def _relationship(world: World, trader: Trader) -> Json:
    children = [child.address for child in world.population.children(trader)]
    if children:
        return {"type": "parent", "data": {"childAddresses": children}}
    if trader.master is not None:
        return {"type": "child", "data": {"parentAddress": world.addresses[trader.master]}}
    return {"type": "normal"}


def _vault_name(world: World, trader: Trader) -> str:
    people = world.population
    if trader is people.liquidator:
        return "Simulated Liquidator"
    if trader.style is Style.CHILD:
        return "Simulated Strategy"
    return f"Simulated Liquidity Provider {people.vaults.index(trader) or ''}".strip()


def _children(world: World, request: Json) -> list[tuple[Trader, Json]]:
    master = world.population.by_address.get(user(request))
    children = world.population.sub_accounts(master.index) if master else ()
    return [
        (
            child,
            {
                "name": child.name or f"sub {child.index}",
                "subAccountUser": child.address,
                "master": master.address if master else None,
            },
        )
        for child in children
    ]


def _state(world: World, trader: Trader, dex: str) -> Json:
    account = world.account(trader.address)
    return views.clearinghouse_state(account, world.board.perps, world.marks, world.state_time, dex)


def _spot_state(world: World, trader: Trader) -> Json:
    return views.spot_clearinghouse_state(
        world.account(trader.address), world.board.tokens, world.board.perps, world.marks
    )


AFFILIATION: Final[Mapping[str, Callable[[World, Json], Any]]] = {
    "userRole": role,
    "extraAgents": extra_agents,
    "userAbstraction": abstraction,
    "subAccounts": sub_accounts,
    "subAccounts2": sub_accounts_on_all_dexes,
    "vaultDetails": vault_details,
    "userVaultEquities": vault_equities,
    "portfolio": portfolio,
}
"""The request types about who belongs to whom, and the functions that answer them."""
