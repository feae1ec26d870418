"""What trading costs: one schedule for everybody, a rebate for professional makers."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final

from hyperliquid_simulator.accounts.ledger import (
    MAKER_FEE,
    REBATE,
    SPOT_MAKER_FEE,
    SPOT_TAKER_FEE,
    TAKER_FEE,
)
from hyperliquid_simulator.answers.fields import user
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.wire import dollars, exact
from hyperliquid_simulator.world.world import World

DAYS: Final = 15
DAY_MS: Final = 86_400_000
RATE_DECIMALS: Final = 6

NO_DISCOUNT: Final = {"bpsOfMaxSupply": "0.0", "discount": "0.0"}


def user_fees(world: World, request: Json) -> Json:
    """Return an account's fees and its volume of the last fifteen days, taken and made.

    Nobody pays less for trading more here, so there are no tiers by volume.
    """
    address = user(request)
    trader = world.population.by_address.get(address)
    rebate = trader is not None and trader in world.population.makers
    schedule = {"cross": _rate(TAKER_FEE), "add": _rate(MAKER_FEE), **_spot("spotCross", "spotAdd")}
    return {
        "dailyUserVlm": _daily_volume(world, address),
        "feeSchedule": schedule
        | {
            "tiers": {"vip": [], "mm": [{"makerFractionCutoff": "0.005", "add": _rate(REBATE)}]},
            "referralDiscount": "0.0",
            "stakingDiscountTiers": [NO_DISCOUNT],
        },
        "userCrossRate": _rate(TAKER_FEE),
        "userAddRate": _rate(REBATE if rebate else MAKER_FEE),
        **_spot("userSpotCrossRate", "userSpotAddRate"),
        "activeReferralDiscount": "0.0",
        "trial": None,
        "feeTrialReward": "0.0",
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": NO_DISCOUNT,
    }


def _rate(millionths: int) -> str:
    return exact(millionths, RATE_DECIMALS)


def _spot(taking: str, making: str) -> Json:
    return {taking: _rate(SPOT_TAKER_FEE), making: _rate(SPOT_MAKER_FEE)}


def _daily_volume(world: World, address: str) -> list[Json]:
    """Return (UTC date, taken, made, everybody's) rows; of the fills that are still known."""
    today = world.time // DAY_MS
    volume: Counter[tuple[int, bool]] = Counter()
    since_ms, found = (today - DAYS + 1) * DAY_MS, world.executions(address)
    for fill in found.oldest_first(since_ms) if found else ():
        dealt = world.coins[fill.coin].micro_dollars(fill.lots, fill.ticks)
        volume[fill.time // DAY_MS, fill.crossed] += dealt
    traded = _exchange_volume(world, since_ms)
    return [
        {
            "date": datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat(),
            "userCross": dollars(volume[day, True]),
            "userAdd": dollars(volume[day, False]),
            "exchange": dollars(traded[day]),
        }
        for day in range(today - DAYS + 1, today + 1)
    ]


def _exchange_volume(world: World, since_ms: int) -> Counter[int]:
    """Return what was traded on each day in micro-dollars, at the day's last price."""
    traded: Counter[int] = Counter()
    for bars in world.bars:
        for candle in bars.candles("1d", since_ms, world.time):
            dealt = bars.coin.micro_dollars(candle.volume, candle.close)
            traded[candle.opened // DAY_MS] += dealt
    return traded
