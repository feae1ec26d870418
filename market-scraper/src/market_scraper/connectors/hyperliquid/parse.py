"""Venue JSON to what we mean by it. Pure: bytes in, values out, `WireFormatError` otherwise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args

import msgspec

from market_scraper.connectors.decoding import decoded, decoder_of, finite, known, positive
from market_scraper.connectors.hyperliquid import wire
from market_scraper.errors import WireFormatError
from market_scraper.intervals import INTERVALS
from market_scraper.moments import moment
from market_scraper.positions.anchors import State
from market_scraper.positions.identity import Identity, Relations
from market_scraper.positions.ledger import Holding, Trade, normal
from market_scraper.positions.numbers import quotient
from market_scraper.positions.scoring import Result, Standing
from shared_events.payloads import Candle, Interval, MarketContext, Window

_WINDOWS = frozenset(get_args(Window))
_NO_HASH = "0x" + "0" * 64
_NAME_CHARACTERS = 100

Origin = Literal["rest", "websocket", "replay"]


_frame = decoder_of(wire.WireFrame)
_trades = decoder_of(list[wire.WireTrade])
_state = decoder_of(wire.WireState)
_user_state = decoder_of(wire.WireUserState)
_user_states = decoder_of(wire.WireUserStates)
_meta = decoder_of(wire.WireMeta)
_metas = decoder_of(list[wire.WireMeta | tuple[wire.WireMeta, msgspec.Raw] | None])
_meta_and_contexts = decoder_of(tuple[wire.WireMeta, tuple[wire.WireContext, ...]])
_active_context = decoder_of(wire.WireActiveContext)
_all_contexts = decoder_of(wire.WireAllContexts)
_candle = decoder_of(wire.WireCandle)
_candles = decoder_of(list[wire.WireCandle])
_leaderboard = decoder_of(wire.WireLeaderboard)
_row = decoder_of(wire.WireLeaderboardRow)
_role = decoder_of(wire.WireRole)
_vault: msgspec.json.Decoder[wire.WireVault | None] = msgspec.json.Decoder(wire.WireVault | None)
_sub_accounts: msgspec.json.Decoder[list[wire.WireSubAccount] | None] = msgspec.json.Decoder(
    list[wire.WireSubAccount] | None
)
_ack = decoder_of(wire.WireAck)
_topic = decoder_of(wire.WireTopic)


@dataclass(frozen=True, slots=True)
class Asset:
    """A perpetual market that the venue lists."""

    name: str
    size_decimals: int
    max_leverage: int | None
    delisted: bool


def parse_frame(raw: str | bytes) -> wire.WireFrame:
    """Return the frame's channel and its raw data."""
    return decoded(_frame, raw, "frame")


def parse_ack(raw: bytes) -> wire.WireAck:
    """Return what a ``subscriptionResponse`` confirms."""
    return decoded(_ack, raw, "subscriptionResponse")


def parse_topic(raw: bytes) -> tuple[str | None, str | None]:
    """Return the coin and the interval that a frame is about, where it names them."""
    if not raw.startswith(b"{"):
        return None, None
    topic = decoded(_topic, raw, "frame")
    return topic.coin or topic.s, topic.i


def parse_trades(raw: bytes) -> tuple[Trade, ...]:
    """Return the trades of one frame, in the venue's order."""
    rows = decoded(_trades, raw, "trades")
    return tuple(map(_trade, rows))


def parse_state(raw: bytes) -> State:
    """Return what ``clearinghouseState`` says; a ``null`` is a `WireFormatError`, never a flat book."""
    return _state_of(decoded(_state, raw, "clearinghouseState"))


def parse_user_state(raw: bytes) -> tuple[str, str, State]:
    """Return user, dex and state of a ``clearinghouseState`` frame."""
    data = decoded(_user_state, raw, "clearinghouseState")
    return data.user.lower(), data.dex, _state_of(data.clearinghouse_state)


def parse_user_states(raw: bytes) -> tuple[str, Mapping[str, State]]:
    """Return user and state by dex of an ``allDexsClearinghouseState`` frame."""
    data = decoded(_user_states, raw, "allDexsClearinghouseState")
    return data.user.lower(), {dex: _state_of(state) for dex, state in data.clearinghouse_states}


def parse_meta(raw: bytes) -> tuple[Asset, ...]:
    """Return the listed markets in the venue's order."""
    return tuple(map(_asset, decoded(_meta, raw, "meta").universe))


def parse_metas(raw: bytes) -> tuple[Asset, ...]:
    """Return the listed markets of every exchange; each list may come with its contexts or without."""
    lists = decoded(_metas, raw, "allPerpMetas")
    metas = (each[0] if isinstance(each, tuple) else each for each in lists)
    return tuple(_asset(asset) for meta in metas if meta for asset in meta.universe)


def parse_contexts(raw: bytes, at: datetime) -> tuple[MarketContext, ...]:
    """Return the context of every market, read at `at`, from ``metaAndAssetCtxs``."""
    meta, contexts = decoded(_meta_and_contexts, raw, "metaAndAssetCtxs")
    if len(meta.universe) != len(contexts):
        raise WireFormatError("metaAndAssetCtxs has contexts that belong to no market")
    return tuple(
        _context(asset.name, context, at, _asset(asset))
        for asset, context in zip(meta.universe, contexts, strict=True)
    )


def parse_active_context(raw: bytes, at: datetime) -> MarketContext:
    """Return the context in an ``activeAssetCtx`` frame, read at `at`."""
    data = decoded(_active_context, raw, "activeAssetCtx")
    return _context(data.coin, data.ctx, at, None)


def parse_all_contexts(
    raw: bytes, universes: Mapping[str, tuple[str, ...]], at: datetime
) -> tuple[MarketContext, ...]:
    """Return the contexts of ``allDexsAssetCtxs`` for every dex whose coins are in `universes`."""
    data = decoded(_all_contexts, raw, "allDexsAssetCtxs")
    return tuple(
        _context(coin, context, at, None)
        for dex, contexts in data.ctxs
        if len(contexts) == len(universes.get(dex, ()))
        for coin, context in zip(universes[dex], contexts, strict=True)
    )


def parse_candle(raw: bytes, now: datetime, origin: Origin) -> Candle:
    """Return the candle of one frame; it is final if it ended before `now`."""
    return _candle_of(decoded(_candle, raw, "candle"), now, origin)


def parse_candles(raw: bytes, now: datetime, origin: Origin) -> tuple[Candle, ...]:
    """Return the candles of a ``candleSnapshot``, oldest first."""
    return tuple(_candle_of(row, now, origin) for row in decoded(_candles, raw, "candleSnapshot"))


def parse_leaderboard(raw: bytes) -> Iterator[Standing]:
    """Yield the leaderboard row by row: split first, because it is 25 MB."""
    for row in decoded(_leaderboard, raw, "leaderboard").leaderboard_rows:
        yield _standing(decoded(_row, bytes(row), "leaderboard row"))


def parse_role(raw: bytes) -> Identity:
    """Return what an address is."""
    answer = decoded(_role, raw, "userRole")
    data = answer.data or wire.WireRoleData()
    master = data.master or data.user
    return Identity(answer.role, master.lower() if master else None)


def parse_vault(raw: bytes) -> Relations:
    """Return who leads a vault and how it is parted; of what is no vault, nothing."""
    vault = decoded(_vault, raw, "vaultDetails")
    if vault is None:
        return Relations()
    data = (vault.relationship and vault.relationship.data) or wire.WireRelationData()
    return Relations(
        leader=vault.leader.lower(),
        parent=data.parent_address.lower() if data.parent_address else None,
        children=tuple(child.lower() for child in data.child_addresses),
    )


def parse_sub_accounts(raw: bytes) -> Relations:
    """Return the sub-accounts of an account; ``null`` says that it has none."""
    rows = decoded(_sub_accounts, raw, "subAccounts") or []
    return Relations(children=tuple(row.sub_account_user.lower() for row in rows))


def _trade(row: wire.WireTrade) -> Trade:
    buyer, seller = row.users
    return Trade(
        coin=row.coin,
        price=positive(row.px, "price"),
        size=positive(row.sz, "size"),
        ms=row.time,
        tid=row.tid,
        buyer=buyer.lower(),
        seller=seller.lower(),
        buyer_is_taker=row.side == "B",
        twap=row.hash == _NO_HASH,
    )


def _state_of(data: wire.WireState) -> State:
    summary = data.margin_summary
    holdings = (_holding(held.position) for held in data.asset_positions)
    return State(
        ms=data.time,
        account_value=finite(summary.account_value) if summary else None,
        holdings={holding.coin: holding for holding in holdings if holding.size},
    )


def _holding(row: wire.WirePosition) -> Holding:
    size = normal(known(row.szi))
    notional = finite(row.position_value)
    return Holding(
        coin=row.coin,
        size=size,
        entry=finite(row.entry_px),
        leverage=finite(row.leverage.value) if row.leverage else None,
        margin_type=row.leverage.type if row.leverage else None,
        mark=quotient(notional, abs(size)) if size and notional is not None else None,
        notional=notional,
        margin_used=finite(row.margin_used),
        liquidation_price=finite(row.liquidation_px),
        unrealised_pnl=finite(row.unrealized_pnl),
        cum_funding=finite(row.cum_funding.since_open) if row.cum_funding else None,
    )


def _asset(row: wire.WireAsset) -> Asset:
    return Asset(row.name, row.sz_decimals, row.max_leverage, bool(row.is_delisted))


def _context(coin: str, row: wire.WireContext, at: datetime, asset: Asset | None) -> MarketContext:
    impact = row.impact_pxs or (None, None)
    return MarketContext(
        coin=coin,
        at=at,
        dex=coin.partition(":")[0] if ":" in coin else "",
        mark=finite(row.mark_px),
        oracle=finite(row.oracle_px),
        mid=finite(row.mid_px),
        impact_bid=finite(impact[0]),
        impact_ask=finite(impact[1]),
        premium=finite(row.premium),
        funding=finite(row.funding),
        open_interest=finite(row.open_interest),
        day_volume=finite(row.day_ntl_vlm),
        previous_day_price=finite(row.prev_day_px),
        size_decimals=asset.size_decimals if asset else None,
        max_leverage=asset.max_leverage if asset else None,
        delisted=asset.delisted if asset else False,
    )


def _candle_of(row: wire.WireCandle, now: datetime, origin: Origin) -> Candle:
    if row.i not in INTERVALS:
        raise WireFormatError(f"candle of unknown interval {row.i!r}")
    interval = cast(Interval, row.i)
    opens = moment(row.t)
    closes = opens + INTERVALS[interval]
    return Candle(
        coin=row.s,
        interval=interval,
        open_time=opens,
        close_time=closes,
        open=positive(row.o, "open"),
        high=positive(row.h, "high"),
        low=positive(row.l, "low"),
        close=positive(row.c, "close"),
        volume=known(row.v),
        trades=row.n,
        closed=closes <= now,
        origin=origin,
    )


def _standing(row: wire.WireLeaderboardRow) -> Standing:
    return Standing(
        address=row.eth_address.lower(),
        account_value=known(row.account_value),
        results={
            cast(Window, name): Result(known(made.pnl), known(made.roi), known(made.vlm))
            for name, made in row.window_performances
            if name in _WINDOWS
        },
        display_name=row.display_name[:_NAME_CHARACTERS] if row.display_name else None,
    )
