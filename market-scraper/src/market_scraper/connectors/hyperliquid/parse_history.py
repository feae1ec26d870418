"""Fills and funding of the past: venue JSON to what we mean by it. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from market_scraper.connectors.decoding import decoded, decoder_of, finite, positive
from market_scraper.connectors.hyperliquid import wire
from market_scraper.moments import moment
from shared_events.payloads import MarketContext, TraderFill

USER_FILLS = "userFills"
"""The channel of a trader's own fills."""

_NO_HASH = "0x" + "0" * 64

_fills = decoder_of(list[wire.WireFill])
_user_fills = decoder_of(wire.WireUserFills)
_payments = decoder_of(list[wire.WirePayment])


class OwnFills(NamedTuple):
    """Fills of one trader, told by its own channel; a snapshot repeats the last ones, up to 2,000."""

    address: str
    fills: list[TraderFill]
    snapshot: bool


def parse_fills(raw: bytes, address: str) -> list[TraderFill]:
    """Return the fills of `address` in the order in which they happened.

    The venue lists newest blocks first, but within a block in order: a stable sort by time is right,
    reversing is not.
    """
    rows = decoded(_fills, raw, "fills")
    return _in_order(rows, address)


def parse_user_fills(raw: bytes) -> OwnFills:
    """Return what a ``userFills`` frame tells, its fills in the order in which they happened."""
    data = decoded(_user_fills, raw, USER_FILLS)
    address = data.user.lower()
    return OwnFills(address, _in_order(data.fills, address), data.is_snapshot)


def parse_payments(raw: bytes) -> Sequence[MarketContext]:
    """Return what funding a market had, oldest first: contexts that say nothing else."""
    rows = decoded(_payments, raw, "fundingHistory")
    return [
        MarketContext(
            coin=row.coin,
            at=moment(row.time),
            dex=row.coin.partition(":")[0] if ":" in row.coin else "",
            funding=finite(row.funding_rate),
            premium=finite(row.premium),
        )
        for row in sorted(rows, key=lambda row: row.time)
    ]


def _in_order(rows: Sequence[wire.WireFill], address: str) -> list[TraderFill]:
    return [_fill(row, address) for row in sorted(rows, key=lambda row: row.time)]


def _fill(row: wire.WireFill, address: str) -> TraderFill:
    return TraderFill(
        address=address,
        coin=row.coin,
        at=moment(row.time),
        tid=row.tid,
        side="buy" if row.side == "B" else "sell",
        price=positive(row.px, "price"),
        size=positive(row.sz, "size"),
        start_position=finite(row.start_position),
        fee=finite(row.fee),
        fee_token=row.fee_token,
        closed_pnl=finite(row.closed_pnl),
        crossed=row.crossed,
        oid=row.oid,
        hash=None if row.hash == _NO_HASH else row.hash,
        twap_id=row.twap_id,
        liquidation=bool(row.liquidation),
    )
