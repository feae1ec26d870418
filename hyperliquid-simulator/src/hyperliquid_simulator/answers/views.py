"""Venue state as the venue writes it: JSON-ready dictionaries with the keys in wire order."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.margin import Holding, Pool, whole
from hyperliquid_simulator.accounts.movements import Movement, delta
from hyperliquid_simulator.accounts.trades import Charge, Fill, Trade
from hyperliquid_simulator.coins.catalogue import Coin, Perps, on_grid
from hyperliquid_simulator.coins.dexes import COLLATERAL, OWN
from hyperliquid_simulator.coins.market import Quote
from hyperliquid_simulator.coins.pairs import Listed, Pair
from hyperliquid_simulator.coins.tokens import UNITS, USDC, Token
from hyperliquid_simulator.wire import ZERO_HASH, dollars, exact, noisy

Json = dict[str, Any]

SUPPLY: Final = "598274922.3781250119"
"""Of every token; the simulator mints and burns none."""


def middle(coin: Coin, quote: Quote) -> str | None:
    """Return the middle of the book, which may lie half a step between prices.

    None is an empty book: nobody quotes a delisted coin.
    """
    if coin.delisted:
        return None
    return exact((quote.bid + quote.ask) * 5, coin.price_decimals + 1)


def mark(coin: Coin, quote: Quote) -> str:
    """Return the mark price."""
    return exact(quote.mark, coin.price_decimals)


def spread(coin: Coin, quote: Quote) -> str:
    """Return the distance between best bid and ask."""
    return exact(quote.ask - quote.bid, coin.price_decimals)


def asset_context(
    coin: Coin, quote: Quote, day: tuple[int, int, int], funding: float, open_interest: int
) -> Json:
    """Return the market context of one perpetual; ``day`` as `Bars.day` returns it."""
    before, volume, notional = (quote.mark, 0, 0) if coin.delisted else day
    price = coin.price_decimals
    premium = noisy((quote.mark - quote.oracle) / quote.oracle)
    impact = [exact(quote.bid, price), exact(quote.ask, price)]
    return {
        "funding": noisy(funding),
        "openInterest": exact(open_interest, coin.size_decimals),
        "prevDayPx": exact(before, price),
        "dayNtlVlm": money(notional, coin),
        "premium": None if coin.delisted else premium,
        "oraclePx": exact(quote.oracle, price),
        "markPx": mark(coin, quote),
        "midPx": middle(coin, quote),
        "impactPxs": None if coin.delisted else impact,
        "dayBaseVlm": exact(volume, coin.size_decimals),
    }


def spot_context(pair: Pair, quote: Quote, day: tuple[int, int, int]) -> Json:
    """Return the market context of one pair; ``day`` as `Bars.day` returns it."""
    before, volume, notional = (quote.mark, 0, 0) if pair.delisted else day
    return {
        "prevDayPx": exact(before, pair.price_decimals),
        "dayNtlVlm": money(notional, pair),
        "markPx": mark(pair, quote),
        "midPx": middle(pair, quote),
        "circulatingSupply": SUPPLY,
        "coin": pair.name,
        "totalSupply": SUPPLY,
        "dayBaseVlm": exact(volume, pair.size_decimals),
    }


def no_context(name: str) -> Json:
    """Return the context of a pair that was never listed."""
    zero = ("prevDayPx", "dayNtlVlm", "markPx")
    return dict.fromkeys(zero, "0.0") | {
        "midPx": None,
        "circulatingSupply": "0.0",
        "coin": name,
        "totalSupply": "0.0",
        "dayBaseVlm": "0.0",
    }


def money(amount: int, coin: Coin) -> str:
    """Write lots times ticks as the venue writes a sum in dollars."""
    return noisy(amount / 10**coin.money_decimals)


def clearinghouse_state(
    account: Account | None, coins: Perps, marks: Sequence[int], time: int, dex: str = ""
) -> Json:
    """Return an account's state on one perp dex; None gives the flat one of an unknown address."""
    everything = whole(account, coins, marks, dex)
    cross, *isolated = everything.parts
    alone = {id(pool.holdings[0]): pool for pool in isolated}
    return {
        "marginSummary": _summary(everything),
        "crossMarginSummary": _summary(cross),
        "crossMaintenanceMarginUsed": dollars(cross.maintenance),
        "withdrawable": dollars(cross.withdrawable),
        "assetPositions": [
            {"type": "oneWay", "position": _position(held, alone.get(id(held), cross))}
            for held in everything.holdings
        ],
        "time": time,
    }


def _summary(pool: Pool) -> Json:
    return {
        "accountValue": dollars(pool.value),
        "totalNtlPos": dollars(pool.notional),
        "totalRawUsd": dollars(pool.cash),
        "totalMarginUsed": dollars(pool.margin),
    }


def spot_clearinghouse_state(
    account: Account | None, tokens: Mapping[int, Token], perps: Perps, marks: Sequence[int]
) -> Json:
    """Return an account's balances; nothing is ever on hold, for no order rests.

    Of a unified account's dollars those are not available that its cross positions need.
    """
    cross = whole(account, perps, marks, OWN).parts[0]
    needed = min(max(cross.maintenance - cross.value, 0), cross.backing) * UNITS
    held = sorted(account.balances.items()) if account else []
    rows = [(tokens[i], balance) for i, balance in held if balance.units or i == USDC.index]
    return {
        "balances": [
            {
                "coin": token.name,
                "token": token.index,
                "total": exact(balance.units, token.wei_decimals),
                "hold": "0.0",
                "entryNtl": exact(balance.cost, Pair.money_decimals),
            }
            for token, balance in rows
        ],
        "tokenToAvailableAfterMaintenance": [
            [token.index, exact(balance.units - needed, token.wei_decimals)]
            for token, balance in rows
            if token is USDC
        ],
    }


def _position(held: Holding, pool: Pool) -> Json:
    coin, position = held.coin, held.position
    entry = round(abs(position.cost) / abs(position.lots))
    return {
        "coin": coin.name,
        "szi": exact(position.lots, coin.size_decimals),
        "leverage": leverage(held),
        "entryPx": exact(on_grid(entry, coin.price_decimals), coin.price_decimals),
        "positionValue": dollars(held.value),
        "unrealizedPnl": dollars(held.profit),
        "returnOnEquity": noisy(held.profit / (abs(position.cost) / held.leverage or 1)),
        "liquidationPx": _liquidation_price(held, pool),
        "marginUsed": dollars(held.margin),
        "maxLeverage": coin.max_leverage,
        "cumFunding": {
            "allTime": dollars(position.funding),
            "sinceOpen": dollars(position.funding_since_open),
            "sinceChange": dollars(position.funding_since_change),
        },
    }


def leverage(held: Holding) -> Json:
    """Return how a position is margined."""
    if held.position.isolated:
        return {"type": "isolated", "value": held.leverage, "rawUsd": dollars(held.position.raw)}
    return {"type": "cross", "value": held.leverage}


def _liquidation_price(held: Holding, pool: Pool) -> str | None:
    """Return the mark at which the positions of a pool fail, None where no price does that."""
    ticks = pool.liquidation_price(held)
    text = None if ticks is None else noisy(ticks / 10**held.coin.price_decimals)
    return None if text == "0.0" else text


def empty_portfolio() -> list[list[Any]]:
    """Return the windows of an address that never traded."""
    names = ("day", "week", "month", "allTime")
    perp = tuple("perp" + name[0].upper() + name[1:] for name in names)
    return [
        [name, {"accountValueHistory": [], "pnlHistory": [], "vlm": "0.0"}] for name in names + perp
    ]


def trade(row: Trade, coin: Coin, addresses: Sequence[str]) -> Json:
    """Return a public trade; ``users`` are buyer and seller."""
    return {
        "coin": coin.name,
        "side": row.side,
        "px": exact(row.ticks, coin.price_decimals),
        "sz": exact(row.lots, coin.size_decimals),
        "time": row.time,
        "hash": row.hash,
        "tid": row.tid,
        "users": [addresses[row.buyer], addresses[row.seller]],
    }


def fill(row: Fill, coin: Listed) -> Json:
    """Return one account's side of a trade; a pair's starts from the balance of its token."""
    buys = row.side == "B"
    if isinstance(coin, Pair):
        token, held = coin.fee_token(buys=buys, fee=row.fee), coin.base.wei_decimals
        word, fee_decimals = "Buy" if buys else "Sell", token.wei_decimals
    else:
        token, held, fee_decimals = COLLATERAL[coin.dex], coin.size_decimals, coin.money_decimals
        word = direction(row.start, row.lots if buys else -row.lots)
    return {
        "coin": coin.name,
        "px": exact(row.ticks, coin.price_decimals),
        "sz": exact(row.lots, coin.size_decimals),
        "side": row.side,
        "time": row.time,
        "startPosition": exact(row.start, held),
        "dir": _said(row) or word,
        "closedPnl": money(row.closed, coin),
        "hash": row.hash,
        "oid": row.order,
        "crossed": row.crossed,
        "fee": noisy(row.fee / 10**fee_decimals),
        "tid": row.tid,
        **_liquidation(row, coin),
        "feeToken": token.name,
        "twapId": row.twap,
    }


def _said(row: Fill) -> str | None:
    return row.cause.direction if row.cause else None


def _liquidation(row: Fill, coin: Coin) -> Json:
    """Return the field that only fills of a liquidation have, on both sides."""
    happened = row.cause.liquidated if row.cause else None
    if happened is None:
        return {}
    return {
        "liquidation": {
            "liquidatedUser": happened.user,
            "markPx": exact(happened.mark, coin.price_decimals),
            "method": happened.method,
        }
    }


def funding_payment(row: Charge, coin: Coin) -> Json:
    """Return an hour's funding of one position; what the account paid is negative."""
    return {
        "time": row.time,
        "hash": ZERO_HASH,
        "delta": {
            "type": "funding",
            "coin": coin.name,
            "usdc": exact(-row.paid, 6),
            "szi": exact(row.lots, coin.size_decimals),
            "fundingRate": noisy(row.rate),
            "nSamples": None,
        },
    }


def movement(row: Movement, addresses: Sequence[str]) -> Json:
    """Return a ledger entry, the same for everybody who took part."""
    return {"time": row.time, "hash": row.hash, "delta": delta(row, addresses)}


def liquidation(row: Movement) -> Json:
    """Return the event of a liquidation."""
    told = row.details
    return {
        "lid": told["lid"],
        "liquidator": told["liquidator"],
        "liquidated_user": told["liquidated_user"],
        "liquidated_ntl_pos": told["liquidatedNtlPos"],
        "liquidated_account_value": told["accountValue"],
    }


def funding_rate(coin: Coin, rate: float, premium: float, time: int) -> Json:
    """Return what one hour of a coin cost."""
    return {
        "coin": coin.name,
        "fundingRate": noisy(rate),
        "premium": noisy(premium),
        "time": time,
    }


def direction(start: int, delta: int) -> str:
    """Return the venue's words for what a fill did to a position.

    Examples
    --------
    >>> direction(0, 5), direction(5, -5), direction(5, -9), direction(-3, 1)
    ('Open Long', 'Close Long', 'Long > Short', 'Close Short')
    """
    end = start + delta
    if start * end < 0:
        return "Long > Short" if start > 0 else "Short > Long"
    if abs(end) > abs(start):
        return "Open Long" if end > 0 else "Open Short"
    return "Close Long" if start > 0 else "Close Short"
