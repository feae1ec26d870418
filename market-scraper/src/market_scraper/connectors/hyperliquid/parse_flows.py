"""What changed an account without a trade: venue JSON to what we mean by it. Pure.

The kinds of the ledger are an open set. Of one we do not know, that it happened is told, and no amount:
whether it was paid or received cannot be guessed.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

from market_scraper.connectors.decoding import decoded, decoder_of, finite
from market_scraper.connectors.hyperliquid import wire
from market_scraper.moments import moment
from shared_events.payloads import AccountFlow

USER_FUNDINGS = "userFundings"
LEDGER_UPDATES = "userNonFundingLedgerUpdates"
"""The channels of what one trader paid and received."""

_NO_HASH = "0x" + "0" * 64
_SILENT = frozenset({"liquidation"})
"""Entries that move no money: the fills do."""

_fundings = decoder_of(list[wire.WireUserFunding])
_updates = decoder_of(list[wire.WireLedgerUpdate])
_funding_frame = decoder_of(wire.WireUserFundings)
_update_frame = decoder_of(wire.WireLedgerUpdates)

Kind = Literal["deposit", "withdrawal", "transfer"]


class OwnFlows(NamedTuple):
    """What one trader's own channel told; a snapshot repeats what was told before."""

    address: str
    flows: list[AccountFlow]


def parse_user_funding(raw: bytes, address: str) -> list[AccountFlow]:
    """Return the funding that `address` paid and received, oldest first, from ``userFunding``."""
    rows = decoded(_fundings, raw, "userFunding")
    return [
        _funding(row.delta, row.time, address, row.hash)
        for row in sorted(rows, key=lambda row: row.time)
    ]


def parse_ledger_updates(raw: bytes, address: str) -> list[AccountFlow]:
    """Return what else `address` paid and received, oldest first."""
    return _ledger(decoded(_updates, raw, LEDGER_UPDATES), address)


def parse_funding_frame(raw: bytes) -> OwnFlows:
    """Return what a ``userFundings`` frame tells."""
    data = decoded(_funding_frame, raw, USER_FUNDINGS)
    address = data.user.lower()
    return OwnFlows(address, [_funding(row, row.time, address, None) for row in data.fundings])


def parse_ledger_frame(raw: bytes) -> OwnFlows:
    """Return what a ``userNonFundingLedgerUpdates`` frame tells."""
    data = decoded(_update_frame, raw, LEDGER_UPDATES)
    address = data.user.lower()
    return OwnFlows(address, _ledger(data.non_funding_ledger_updates, address))


def _funding(row: wire.WireFundingDelta, ms: int, address: str, tx: str | None) -> AccountFlow:
    return AccountFlow(
        address=address,
        at=moment(ms),
        kind="funding",
        amount=finite(row.usdc),
        coin=row.coin,
        hash=_hash(tx),
    )


def _ledger(rows: list[wire.WireLedgerUpdate], address: str) -> list[AccountFlow]:
    told = [row for row in rows if row.delta.type not in _SILENT]
    return [_flow(row, address) for row in sorted(told, key=lambda row: row.time)]


def _flow(row: wire.WireLedgerUpdate, address: str) -> AccountFlow:
    kind, amount, other = _MEANINGS.get(row.delta.type, _unknown)(row.delta, address)
    return AccountFlow(
        address=address,
        at=moment(row.time),
        kind=kind,
        amount=finite(amount),
        counterparty=other.lower() if other and other.lower() != address else None,
        hash=_hash(row.hash),
    )


_Meaning = tuple[Kind, Decimal | None, str | None]


def _deposit(delta: wire.WireLedgerDelta, _: str) -> _Meaning:
    return "deposit", delta.usdc, None


def _withdrawal(delta: wire.WireLedgerDelta, _: str) -> _Meaning:
    return "withdrawal", _paid(delta), None


def _between_own(delta: wire.WireLedgerDelta, _: str) -> _Meaning:
    amount = delta.usdc
    return "transfer", -amount if amount and not delta.to_perp else amount, None


def _transfer(delta: wire.WireLedgerDelta, address: str) -> _Meaning:
    amount = delta.usdc_value if delta.usdc is None else delta.usdc
    if delta.destination and delta.destination.lower() == address:
        return "transfer", amount, delta.user
    return "transfer", None if amount is None else -amount - (delta.fee or 0), delta.destination


def _into_a_vault(delta: wire.WireLedgerDelta, address: str) -> _Meaning:
    if delta.vault and delta.vault.lower() == address:
        return "transfer", delta.usdc, delta.user
    return "transfer", None if delta.usdc is None else -delta.usdc, delta.vault


def _out_of_a_vault(delta: wire.WireLedgerDelta, address: str) -> _Meaning:
    amount = delta.net_withdrawn_usd
    if delta.vault and delta.vault.lower() == address:
        return "transfer", None if amount is None else -amount, delta.user
    return "transfer", amount, delta.vault


def _received(delta: wire.WireLedgerDelta, _: str) -> _Meaning:
    return "transfer", delta.usdc, delta.vault


def _unknown(_delta: wire.WireLedgerDelta, _: str) -> _Meaning:
    return "transfer", None, None


_MEANINGS: Mapping[str, Callable[[wire.WireLedgerDelta, str], _Meaning]] = {
    "deposit": _deposit,
    "withdraw": _withdrawal,
    "accountClassTransfer": _between_own,
    "internalTransfer": _transfer,
    "subAccountTransfer": _transfer,
    "spotTransfer": _transfer,
    "send": _transfer,
    "vaultCreate": _into_a_vault,
    "vaultDeposit": _into_a_vault,
    "vaultWithdraw": _out_of_a_vault,
    "vaultDistribution": _received,
}


def _paid(delta: wire.WireLedgerDelta) -> Decimal | None:
    return None if delta.usdc is None else -delta.usdc - (delta.fee or 0)


def _hash(tx: str | None) -> str | None:
    return None if tx in {None, _NO_HASH} else tx
