"""Venue state as the venue writes it: JSON-ready dictionaries with the keys in wire order."""

from collections.abc import Sequence
from typing import Any

from hyperliquid_simulator.catalogue import MARGIN_TIERS, Coin, on_grid
from hyperliquid_simulator.ledger import Account, Charge, Fill, Trade
from hyperliquid_simulator.margin import Holding, Pool, whole
from hyperliquid_simulator.market import Quote
from hyperliquid_simulator.movements import Movement, delta
from hyperliquid_simulator.wire import ZERO_HASH, dollars, exact, noisy

Json = dict[str, Any]


def meta(coins: Sequence[Coin]) -> Json:
    """Return the universe of the main perp dex."""
    return {
        "universe": [
            {
                "szDecimals": coin.size_decimals,
                "name": coin.name,
                "maxLeverage": coin.max_leverage,
                "marginTableId": coin.margin_table,
            }
            for coin in coins
        ],
        "marginTables": [
            [
                table,
                {
                    "description": description,
                    "marginTiers": [
                        {"lowerBound": f"{bound}.0", "maxLeverage": most} for bound, most in tiers
                    ],
                },
            ]
            for table, (description, tiers) in MARGIN_TIERS.items()
        ],
        "collateralToken": 0,
    }


def spot_meta() -> Json:
    """Return a small valid spot universe: what client libraries need to start."""
    return {
        "universe": [{"tokens": [1, 0], "name": "PURR/USDC", "index": 0, "isCanonical": True}],
        "tokens": [
            _token("USDC", 8, 8, 0, "0x6d1e7cde53ba9467b783cb7c530ce054"),
            _token("PURR", 0, 5, 1, "0xc1fb593aeffbeb02f85e0308e9956a90"),
        ],
    }


def _token(name: str, size_decimals: int, wei_decimals: int, index: int, token: str) -> Json:
    return {
        "name": name,
        "szDecimals": size_decimals,
        "weiDecimals": wei_decimals,
        "index": index,
        "tokenId": token,
        "isCanonical": True,
        "evmContract": None,
        "fullName": None,
        "deployerTradingFeeShare": "0.0",
    }


def middle(coin: Coin, quote: Quote) -> str:
    """Return the middle of the book, which may lie half a step between prices."""
    return exact((quote.bid + quote.ask) * 5, coin.price_decimals + 1)


def spread(coin: Coin, quote: Quote) -> str:
    """Return the distance between best bid and ask."""
    return exact(quote.ask - quote.bid, coin.price_decimals)


def asset_context(
    coin: Coin, quote: Quote, day: tuple[int, int, int], funding: float, open_interest: int
) -> Json:
    """Return the market context of one coin; ``day`` as `Bars.day` returns it."""
    before, volume, notional = day
    price = coin.price_decimals
    return {
        "funding": noisy(funding),
        "openInterest": exact(open_interest, coin.size_decimals),
        "prevDayPx": exact(before, price),
        "dayNtlVlm": dollars(notional),
        "premium": noisy((quote.mark - quote.oracle) / quote.oracle),
        "oraclePx": exact(quote.oracle, price),
        "markPx": exact(quote.mark, price),
        "midPx": middle(coin, quote),
        "impactPxs": [exact(quote.bid, price), exact(quote.ask, price)],
        "dayBaseVlm": exact(volume, coin.size_decimals),
    }


def clearinghouse_state(
    account: Account | None, coins: Sequence[Coin], marks: Sequence[int], time: int, dex: str = ""
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


def _position(held: Holding, pool: Pool) -> Json:
    coin, position = held.coin, held.position
    entry = round(abs(position.cost) / abs(position.lots))
    return {
        "coin": coin.name,
        "szi": exact(position.lots, coin.size_decimals),
        "leverage": _leverage(held),
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


def _leverage(held: Holding) -> Json:
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


def fill(row: Fill, coin: Coin) -> Json:
    """Return one account's side of a trade."""
    return {
        "coin": coin.name,
        "px": exact(row.ticks, coin.price_decimals),
        "sz": exact(row.lots, coin.size_decimals),
        "side": row.side,
        "time": row.time,
        "startPosition": exact(row.start, coin.size_decimals),
        "dir": _said(row) or direction(row.start, row.lots if row.side == "B" else -row.lots),
        "closedPnl": dollars(row.closed),
        "hash": row.hash,
        "oid": row.order,
        "crossed": row.crossed,
        "fee": dollars(row.fee),
        "tid": row.tid,
        **_liquidation(row, coin),
        "feeToken": "USDC",
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
