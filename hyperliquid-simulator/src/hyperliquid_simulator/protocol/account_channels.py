"""Channels about one account beside its fills: states of all dexes, events, funding.

Frames of events do not say whose they are, so a socket can have one account's only.
"""

from collections.abc import Iterator
from typing import Final

from hyperliquid_simulator.accounts.movements import Kind
from hyperliquid_simulator.answers import info, overview, views
from hyperliquid_simulator.answers.order_records import twap_slice
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.funding import HOUR_MS
from hyperliquid_simulator.past.archive import MOST_PAYMENTS
from hyperliquid_simulator.protocol.feeds import Asked, Channel, News, every


def _new_events(news: News) -> Iterator[Json]:
    """Yield one frame per kind of event; slices of a TWAP are fills and events of their own."""
    coins = news.asked.world.coins
    rows = [views.fill(fill, coins[fill.coin]) for fill in news.fills]
    if rows:
        yield {"fills": rows}
    slices = [twap_slice(fill, coins[fill.coin]) for fill in news.fills if fill.twap is not None]
    if slices:
        yield {"twapSliceFills": slices}
    for row in news.movements:
        if row.kind is Kind.LIQUIDATION:
            yield {"liquidation": views.liquidation(row)}
    for charge in news.charges:
        yield {"funding": _flat(views.funding_payment(charge, coins[charge.coin]))}


def _flat(payment: Json) -> Json:
    """Return a funding payment without the wrapping that it has over REST."""
    fields = {name: value for name, value in payment["delta"].items() if name != "type"}
    return {"time": payment["time"], **fields}


def _last_fundings(asked: Asked) -> Json:
    """Return the payments of as many whole hours as surely fit into one REST answer."""
    world, user = asked.world, asked.subscription["user"]
    since = max(world.time - MOST_PAYMENTS // len(world.board.perps) * HOUR_MS, 0)
    request = {"type": "userFunding", "user": user, "startTime": since}
    payments = [_flat(row) for row in info.answer(world, request)]
    return {"isSnapshot": True, "user": user, "fundings": payments}


def _new_fundings(news: News) -> Iterator[Json]:
    coins = news.asked.world.coins
    payments = [_flat(views.funding_payment(charge, coins[charge.coin])) for charge in news.charges]
    if payments:
        yield {"user": news.asked.subscription["user"], "fundings": payments}


def _ledger_updates(asked: Asked) -> Json:
    user = asked.subscription["user"]
    rows = info.answer(asked.world, {"type": "userNonFundingLedgerUpdates", "user": user})
    return {"isSnapshot": True, "user": user, "nonFundingLedgerUpdates": rows}


def _new_ledger_updates(news: News) -> Iterator[Json]:
    rows = [views.movement(row, news.asked.world.addresses) for row in news.movements]
    if rows:
        yield {"user": news.asked.subscription["user"], "nonFundingLedgerUpdates": rows}


def _states(asked: Asked) -> Json:
    user = asked.subscription["user"]
    names = sorted(dex.name for dex in asked.world.board.dexes)
    states = [[name, info.clearinghouse_state(asked.world, user, name)] for name in names]
    return {"user": user, "clearinghouseStates": states}


def _spot_state(asked: Asked) -> Json:
    user = asked.subscription["user"]
    return {"user": user, "spotState": info.spot_state(asked.world, user)}


def _overview(asked: Asked) -> Json:
    return overview.web_data_3(asked.world, asked.subscription["user"])


def _asset(asked: Asked) -> Json:
    return overview.active_asset_data(asked.world, asked.subscription["user"], asked.coin)


ACCOUNT_CHANNELS: Final = (
    Channel("webData3", ("user",), opening=_overview, pace_ms=every(5_000.0)),
    Channel(
        "activeAssetData",
        ("user", "coin"),
        opening=_asset,
        pace_ms=every(1_000.0),
        perpetuals_only=True,
    ),
    Channel("allDexsClearinghouseState", ("user",), opening=_states, pace_ms=every(1_200.0)),
    Channel(
        "spotState",
        ("user", "ignorePortfolioMargin"),
        opening=_spot_state,
        pace_ms=every(1_200.0),
    ),
    Channel("userFundings", ("user",), opening=_last_fundings, update=_new_fundings),
    Channel(
        "userNonFundingLedgerUpdates",
        ("user",),
        opening=_ledger_updates,
        update=_new_ledger_updates,
    ),
    Channel("userEvents", ("user",), update=_new_events, carrier="user", anonymous=True),
)
