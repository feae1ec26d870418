"""One check for each question; those that end in a refusal are made only if that is allowed."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from market_scraper.connectors.hyperliquid.parse import parse_meta, parse_state
from market_scraper.connectors.hyperliquid.throttle import Urgency
from market_scraper.probing.questions import (
    Answer,
    bucket,
    rounding,
    state_clock,
    weight_of_rows,
)
from market_scraper.probing.venue import Venue
from shared_events.errors import DataError, TransientError

LIQUIDATORS: Final = ("0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",)
"""The venue's own: counterparty of backstop liquidations."""

_REFUSED = 429
_LIMIT, _LIGHT, _CANDLES = 1_200, 2, 20
_ROWS, _PER, _LARGE = 61, 60, 20
_MINUTE_MS = 60_000
_STATES = 20
_WALLETS = 10
_MOST_USERS = 16
_AT_ONCE = 50
_POSTS = _LIMIT // _LIGHT + _AT_ONCE


async def leaderboard_limit(venue: Venue) -> Answer:
    """Begin to read the file five times within a few seconds."""
    statuses = []
    for _ in range(5):
        async with venue.http.get(venue.leaderboard) as response:
            statuses.append(response.status)
    refused = sum(status == _REFUSED for status in statuses)
    said = "refused" if refused else "five in a few seconds were answered"
    return Answer("leaderboard_limit", said, {"statuses": " ".join(map(str, statuses))})


async def state_times(venue: Venue) -> Answer:
    """Hold the times of states against those of the blocks that were heard."""
    times, failed = [], 0
    for address in venue.heard.busiest(_STATES):
        try:
            raw = await venue.info.clearinghouse_state(address, Urgency.BACKFILL)
            times.append(parse_state(raw).ms)
        except (TransientError, DataError):
            failed += 1
    await venue.clock.sleep(1.0)
    hits = sum(ms in venue.heard.blocks for ms in times)
    return Answer(
        "state_clock",
        state_clock(times, venue.heard.blocks),
        {"states": len(times), "on_a_block_that_traded": hits, "unanswered": failed},
    )


async def hidden_fills(venue: Venue, watched: tuple[str, ...]) -> Answer:
    """Look for fills that were no ordinary trade among the public trades that were heard."""
    if not venue.heard.blocks:
        return Answer("hidden_fills", None, {"reason": "no trade was heard"})
    found, public, since_ms = 0, 0, min(venue.heard.blocks)
    for address in dict.fromkeys([*watched, *LIQUIDATORS, *venue.heard.busiest(_WALLETS)]):
        now_ms = int(venue.now() * 1_000)
        for fill in json.loads(await venue.info.fills_by_time(address, since_ms, now_ms)):
            how = (fill.get("liquidation") or {}).get("method")
            if how == "backstop" or fill.get("dir") == "Auto-Deleveraging":
                found += 1
                public += (fill["coin"], fill["time"], fill["tid"]) in venue.heard.trades
    if not found:
        return Answer("hidden_fills", None, {"reason": "none happened to those that were watched"})
    said = "all of them" if public == found else "none" if not public else "some"
    return Answer("hidden_fills", said, {"fills": found, "in_public_trades": public})


async def user_cap(venue: Venue) -> Answer:
    """Listen to one user after the other until the venue refuses."""
    accepted, users = 0, venue.heard.busiest(_MOST_USERS)
    async with venue.socket() as wire:
        for user in users:
            wanted = {"type": "userFills", "user": user}
            await wire.send({"method": "subscribe", "subscription": wanted})
            frame = await wire.until("subscriptionResponse", "error")
            if frame is None or frame["channel"] == "error":
                said = str(frame["data"]) if frame else "no answer"
                return Answer("user_cap", str(accepted), {"accepted": accepted, "said": said})
            accepted += 1
    known = accepted == _MOST_USERS
    return Answer("user_cap", f"at least {accepted}" if known else None, {"accepted": accepted})


async def post_weight(venue: Venue) -> Answer:
    """Ask over the websocket for more than a minute's weight, and see whether that is refused."""
    request = {"type": "info", "payload": {"type": "l2Book", "coin": await _coin(venue)}}
    answered = 0
    async with venue.clean_minute(), venue.socket() as wire:
        for first in range(0, _POSTS, _AT_ONCE):
            for number in range(first, first + _AT_ONCE):
                await wire.send({"method": "post", "id": number, "request": request})
            for _ in range(_AT_ONCE):
                frame = await wire.until("post", "error")
                if frame is None:
                    return Answer("post_weight", None, {"reason": "silence", "posts": answered})
                if _is_refusal(frame):
                    return Answer("post_weight", "yes", {"posts_answered": answered})
                answered += 1
    return Answer("post_weight", "no", {"posts_answered": answered})


async def row_rounding(venue: Venue) -> Answer:
    """Fill a minute with candles and light requests; what fitted tells what the candles cost."""
    now_ms = max(venue.heard.blocks, default=int(venue.now() * 1_000))
    first_ms = (now_ms // _MINUTE_MS - _ROWS) * _MINUTE_MS
    span = {"startTime": first_ms, "endTime": first_ms + (_ROWS - 1) * _MINUTE_MS}
    coin = await _coin(venue)
    large = {"type": "candleSnapshot", "req": {"coin": coin, "interval": "1m", **span}}
    light = {"type": "l2Book", "coin": coin}
    async with venue.clean_minute():
        began, asked = venue.now(), 0
        for _ in range(_LARGE):
            if await venue.status(large) == _REFUSED:
                return Answer("row_rounding", None, {"reason": "somebody else spends, too"})
        while await venue.status(light) != _REFUSED:
            asked += 1
            if asked > _LIMIT:
                return Answer("row_rounding", None, {"reason": "nothing was refused"})
        refused = venue.now()
        while await venue.status(light) == _REFUSED:
            await venue.clock.sleep(venue.minute / 60)
        passed = venue.now()
    weight = weight_of_rows(_LIMIT, _LARGE, _CANDLES, asked, _LIGHT)
    how = bucket(passed - began, passed - refused, venue.minute)
    return Answer(
        "row_rounding",
        f"rounded {rounding(_ROWS, _PER, weight)}, {how}",
        {"rows": _ROWS, "weight_of_rows": round(weight, 3), "light_requests": asked},
    )


LIMIT_CHECKS: Final[Mapping[str, Callable[[Venue], Awaitable[Answer]]]] = {
    "user_cap": user_cap,
    "post_weight": post_weight,
    "row_rounding": row_rounding,
}
"""Checks that go to a limit and are refused once."""


def _is_refusal(frame: dict[str, object]) -> bool:
    data = frame.get("data")
    response = data.get("response") if isinstance(data, dict) else None
    return frame["channel"] == "error" or (
        isinstance(response, dict) and response.get("type") == "error"
    )


async def _coin(venue: Venue) -> str:
    return next(asset.name for asset in parse_meta(await venue.info.meta()) if not asset.delisted)
