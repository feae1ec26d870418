"""Whatever happens, in whatever world: nothing is lost, and every story told about it agrees."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.margin import whole
from hyperliquid_simulator.accounts.movements import Kind, Movement
from hyperliquid_simulator.coins.pairs import Pair
from hyperliquid_simulator.coins.tokens import TOKENS, UNITS, USDC
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.world.events import Hidden, Method
from hyperliquid_simulator.world.world import Block, World

START = datetime(2026, 11, 1, 0, 59, 57, tzinfo=UTC)
"""Three seconds before funding is charged."""

BLOCKS = 90

WORLDS = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
"""A world costs a good part of a second, so few are built and none is made simpler."""


shocks = st.lists(
    st.tuples(
        st.integers(0, BLOCKS - 1), st.integers(0, 3), st.sampled_from([0.7, 0.95, 1.04, 1.5])
    ),
    max_size=6,
)
commands = st.lists(
    st.tuples(st.integers(0, BLOCKS - 1), st.integers(0, 59), st.sampled_from([*Method, *Hidden])),
    max_size=6,
)


@WORLDS
@given(st.integers(0, 1_000), shocks, commands, st.integers(0, 500))
def test_nothing_is_lost_in_bursts_crashes_and_liquidations(
    seed: int,
    jumps: list[tuple[int, int, float]],
    orders: list[tuple[int, int, Method | Hidden]],
    burst: int,
) -> None:
    world = _world(seed)
    keeper = Keeper(world)
    _make_fragile(world)
    keeper.check(world, Block(0, 0, (), (), tuple(world.events.clearing.movements)))

    for nth in range(BLOCKS):
        for _, coin, factor in (jump for jump in jumps if jump[0] == nth):
            world.jump(coin, factor)
        for _, who, what in (order for order in orders if order[0] == nth):
            accounts = world.ledger.accounts
            _command(world, accounts[who % len(accounts)], what)
        if nth == BLOCKS // 2:
            world.burst(burst)
        keeper.check(world, world.step())


@WORLDS
@given(st.integers(0, 1_000), shocks)
def test_nobody_who_failed_is_overlooked(seed: int, jumps: list[tuple[int, int, float]]) -> None:
    world = _world(seed, orders_per_second=0.0, flip_seconds=0.0)
    _make_fragile(world)

    for nth in range(BLOCKS):
        for _, coin, factor in (jump for jump in jumps if jump[0] == nth):
            world.jump(coin, factor)
        block = world.step()

        involved = {who for who, _ in block.fills}
        for account in world.ledger.accounts:
            if account.index not in involved:
                assert not _failed(world, account)


class Keeper:
    """Knows from fills and movements alone what every account must have."""

    def __init__(self, world: World) -> None:
        self._lots: defaultdict[tuple[int, int], int] = defaultdict(int)
        for account in world.ledger.accounts:
            for coin, position in account.positions.items():
                self._lots[account.index, coin] = position.lots
        self._units: defaultdict[tuple[int, int], int] = defaultdict(
            int,
            {
                (account.index, token): balance.units
                for account in world.ledger.accounts
                for token, balance in account.balances.items()
            },
        )
        self._cash = sum(account.cash for account in world.ledger.accounts)
        self._deposited = {a.index: a.deposited for a in world.ledger.accounts}
        self._charged_until = world.time

    def check(self, world: World, block: Block) -> None:
        """Follow one block and compare."""
        pairs = {i: coin for i, coin in enumerate(world.coins) if isinstance(coin, Pair)}
        perps = replace(block, fills=tuple(row for row in block.fills if row[1].coin not in pairs))
        self._check_fills(block)
        self._check_positions(perps)
        self._check_balances(world, block, pairs)
        self._check_money(world, perps)
        accounts = world.ledger.accounts
        for coin, interest in enumerate(world.ledger.open_interest):
            held = [account.lots(coin) for account in accounts]
            assert sum(held) == 0
            assert sum(lots for lots in held if lots > 0) == interest
        for account in accounts:
            for coin, position in account.positions.items():
                assert position.lots == self._lots[account.index, coin]
                assert position.lots or not position.cost
                assert not (position.raw and not position.isolated)

    def _check_fills(self, block: Block) -> None:
        sides = Counter((fill.tid, fill.side) for _, fill in block.fills)
        hidden = {fill.tid for _, fill in block.fills if fill.cause and fill.cause.hidden}
        assert set(sides.values()) <= {1}
        assert len(sides) == 2 * (len(block.trades) + len(hidden))
        assert not hidden & {trade.tid for trade in block.trades}

    def _check_positions(self, block: Block) -> None:
        own = {trade.tid for trade in block.trades if trade.buyer == trade.seller}
        for who, fill in block.fills:
            if fill.tid in own:
                assert fill.start == self._lots[who, fill.coin]
                continue
            assert fill.start == self._lots[who, fill.coin]
            self._lots[who, fill.coin] += fill.lots if fill.side == "B" else -fill.lots

    def _follow_tokens(self, row: Movement) -> None:
        """Follow what a movement did to balances; it comes before the trades of its block."""
        sender, receiver = row.sender or 0, row.receiver or 0
        if row.kind is Kind.ACCOUNT_CLASS_TRANSFER:
            units = row.usd * UNITS
            self._units[sender, USDC.index] += -units if row.details["toPerp"] else units
        if row.kind is Kind.SPOT_TRANSFER:
            token = next(t for t in TOKENS.values() if t.name == row.details["token"])
            units = int(Decimal(row.details["amount"]).scaleb(token.wei_decimals))
            self._units[sender, token.index] -= units
            self._units[receiver, token.index] += units

    def _check_balances(self, world: World, block: Block, pairs: Mapping[int, Pair]) -> None:
        """Follow every token; a fee is paid in what an account receives, a rebate in the other."""
        for row in block.movements:
            self._follow_tokens(row)
        seen: set[tuple[int, int]] = set()
        for who, fill in block.fills:
            if fill.coin not in pairs:
                continue
            pair, buys = pairs[fill.coin], fill.side == "B"
            sign = 1 if buys else -1
            if (who, fill.tid) not in seen:
                assert fill.start == self._units[who, pair.base.index]
            seen.add((who, fill.tid))
            self._units[who, pair.base.index] += sign * fill.lots * pair.lot
            self._units[who, pair.quote.index] -= sign * fill.lots * fill.ticks
            self._units[who, pair.fee_token(buys=buys, fee=fill.fee).index] -= fill.fee
        held = {
            (account.index, token): balance.units
            for account in world.ledger.accounts
            for token, balance in account.balances.items()
            if balance.units
        }
        assert held == {key: units for key, units in self._units.items() if units}
        assert min(held.values()) >= 0
        assert not any(
            coin in account.positions for account in world.ledger.accounts for coin in pairs
        )

    def _check_money(self, world: World, block: Block) -> None:
        accounts = world.ledger.accounts
        fees = sum(fill.fee for _, fill in block.fills)
        charges = sum(
            charge.paid
            for account in accounts
            for charge in world.ledger.charges.of(account.index, self._charged_until)
        )
        self._charged_until = block.time
        moved = 0
        for row in block.movements:
            for who in row.parties:
                moved += row.perp_change(who)
                self._deposited[who] += row.perp_change(who)
        for who in {who for row in block.movements for who in row.parties}:
            assert accounts[who].deposited == self._deposited[who]
        self._cash += moved - fees - charges
        assert sum(account.cash for account in accounts) == self._cash


def _world(seed: int, orders_per_second: float = 60.0, flip_seconds: float = 2.0) -> World:
    config = Config(
        seed=seed,
        traders=40,
        coins=4,
        history_days=1,
        start=START,
        orders_per_second=orders_per_second,
        flip_seconds=flip_seconds,
        self_trades=0.02,
        nettings_per_hour=3_600,
        movements_per_day=50_000,
        thin_book=0.3,
    )
    return World(config, config.start_ms)


def _make_fragile(world: World) -> None:
    """Let a third of the accounts withdraw nearly all that they could lose."""
    clearing = world.events.clearing
    clearing.begin(world.time, world.height)
    for account in world.ledger.accounts[::3]:
        pool = whole(account, world.board.perps, world.marks, "")
        left = pool.value - pool.maintenance - pool.notional // 50
        if left > 0:
            clearing.move(Kind.WITHDRAW, account.index, None, left)


def _command(world: World, account: Account, what: Method | Hidden) -> None:
    if isinstance(what, Hidden) and what is Hidden.NETTING:
        account = world.ledger.accounts[world.population.vaults[0].index]
    try:
        if isinstance(what, Hidden):
            world.events.hide(account, what)
        else:
            world.events.liquidate(account, what)
    except ConfigError:
        return


def _failed(world: World, account: Account) -> bool:
    parts = whole(account, world.board.perps, world.marks, "").parts
    return any(pool.spare < 0 for pool in parts)
