"""Money that moves without a trade: what happened, to whom, and how an account's ledger tells it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.wire import dollars, exact

Delta = dict[str, Any]

WITHDRAWN: Final = ("requestedUsd", "commission", "closingCost", "basis")
LIQUIDATED: Final = (
    "liquidatedNtlPos",
    "accountValue",
    "leverageType",
    "liquidatedPositions",
)
"""Details that the ledger tells of a withdrawal from a vault and of a liquidation."""


class Kind(StrEnum):
    """The venue's word for each movement."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    INTERNAL_TRANSFER = "internalTransfer"
    SUB_ACCOUNT_TRANSFER = "subAccountTransfer"
    VAULT_CREATE = "vaultCreate"
    VAULT_DEPOSIT = "vaultDeposit"
    VAULT_WITHDRAW = "vaultWithdraw"
    VAULT_DISTRIBUTION = "vaultDistribution"
    VAULT_LEADER_COMMISSION = "vaultLeaderCommission"
    ACCOUNT_CLASS_TRANSFER = "accountClassTransfer"
    SEND = "send"
    SPOT_TRANSFER = "spotTransfer"
    REWARDS_CLAIM = "rewardsClaim"
    LIQUIDATION = "liquidation"


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of ``usd`` micro-dollars from one account to another, by index.

    Without a sender or a receiver the money came from outside or went there. The sender pays the
    fee on top. An account that moves money between its own sides is both. ``details`` are the
    fields that only movements of this kind have.
    """

    kind: Kind
    time: int
    hash: str
    sender: int | None
    receiver: int | None
    usd: int
    fee: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parties(self) -> frozenset[int]:
        """The accounts whose ledgers show it."""
        return frozenset(who for who in (self.sender, self.receiver) if who is not None)

    def change(self, account: int) -> int:
        """Return what the movement did to the whole of an account, in micro-dollars.

        Tokens other than dollars are not counted.
        """
        came = self.usd if account == self.receiver else 0
        return came - (self.usd + self.fee if account == self.sender else 0)

    def perp_change(self, account: int) -> int:
        """Return what the movement did to the pockets of an account, in micro-dollars."""
        if self.kind is Kind.ACCOUNT_CLASS_TRANSFER:
            return self.usd if self.details["toPerp"] else -self.usd
        return self.change(account)


def liquidation_details(
    value: int, closed: Sequence[tuple[Coin, int, int]], *, isolated: bool
) -> Delta:
    """Return the details of a liquidation.

    ``value`` micro-dollars is what the positions and the cash behind them were worth; of each
    position that was ``closed``: its coin, the signed lots that went, and the mark.
    """
    return {
        "liquidatedNtlPos": dollars(sum(abs(lots) * mark for _, lots, mark in closed)),
        "accountValue": dollars(value),
        "leverageType": "Isolated" if isolated else "Cross",
        "liquidatedPositions": [
            {"coin": coin.name, "szi": exact(lots, coin.size_decimals)} for coin, lots, _ in closed
        ],
    }


def delta(row: Movement, addresses: Sequence[str]) -> Delta:
    """Return the entry as every account that took part in it sees it."""
    return {"type": row.kind.value} | DELTAS[row.kind](row, addresses)


def _usdc(row: Movement, _addresses: Sequence[str]) -> Delta:
    return {"usdc": dollars(row.usd)}


def _withdrawal(row: Movement, _addresses: Sequence[str]) -> Delta:
    return {"usdc": dollars(row.usd), "nonce": row.time * 1_000, "fee": dollars(row.fee)}


def _transfer(row: Movement, addresses: Sequence[str]) -> Delta:
    return {"usdc": dollars(row.usd), **_parties(row, addresses)}


def _transfer_for_a_fee(row: Movement, addresses: Sequence[str]) -> Delta:
    return {**_transfer(row, addresses), "fee": dollars(row.fee)}


def _into_a_vault(row: Movement, addresses: Sequence[str]) -> Delta:
    return {"vault": _name(row.receiver, addresses), "usdc": dollars(row.usd)}


def _out_of_a_vault(row: Movement, addresses: Sequence[str]) -> Delta:
    told = {name: row.details[name] for name in WITHDRAWN}
    return {
        "vault": _name(row.sender, addresses),
        "user": _name(row.receiver, addresses),
        **told,
        "netWithdrawnUsd": dollars(row.usd),
    }


def _distributed(row: Movement, addresses: Sequence[str]) -> Delta:
    return {"vault": _name(row.sender, addresses), "usdc": dollars(row.usd)}


def _commission(row: Movement, addresses: Sequence[str]) -> Delta:
    return {"user": _name(row.receiver, addresses), "usdc": dollars(row.usd)}


def _class_transfer(row: Movement, _addresses: Sequence[str]) -> Delta:
    return {"usdc": dollars(row.usd), "toPerp": row.details["toPerp"]}


def _sent(row: Movement, addresses: Sequence[str]) -> Delta:
    told = row.details
    return {
        **_parties(row, addresses),
        "sourceDex": told["sourceDex"],
        "destinationDex": told["destinationDex"],
        "token": told["token"],
        "amount": dollars(row.usd),
        "usdcValue": dollars(row.usd),
        "fee": dollars(row.fee),
        "nativeTokenFee": "0.0",
        "nonce": row.time,
        "feeToken": "",
    }


def _spot_transfer(row: Movement, addresses: Sequence[str]) -> Delta:
    told = row.details
    return {
        "token": told["token"],
        "amount": told["amount"],
        "usdcValue": told["usdcValue"],
        **_parties(row, addresses),
        "fee": "0.0",
        "nativeTokenFee": "0.0",
        "nonce": row.time,
    }


def _rewards(row: Movement, _addresses: Sequence[str]) -> Delta:
    return {"amount": dollars(row.usd), "token": "USDC"}


def _liquidation(row: Movement, _addresses: Sequence[str]) -> Delta:
    return {name: row.details[name] for name in LIQUIDATED}


def _parties(row: Movement, addresses: Sequence[str]) -> Delta:
    return {
        "user": _name(row.sender, addresses),
        "destination": _name(row.receiver, addresses),
    }


def _name(account: int | None, addresses: Sequence[str]) -> str | None:
    return None if account is None else addresses[account]


DELTAS: Final[Mapping[Kind, Callable[[Movement, Sequence[str]], Delta]]] = {
    Kind.DEPOSIT: _usdc,
    Kind.WITHDRAW: _withdrawal,
    Kind.INTERNAL_TRANSFER: _transfer_for_a_fee,
    Kind.SUB_ACCOUNT_TRANSFER: _transfer,
    Kind.VAULT_CREATE: _into_a_vault,
    Kind.VAULT_DEPOSIT: _into_a_vault,
    Kind.VAULT_WITHDRAW: _out_of_a_vault,
    Kind.VAULT_DISTRIBUTION: _distributed,
    Kind.VAULT_LEADER_COMMISSION: _commission,
    Kind.ACCOUNT_CLASS_TRANSFER: _class_transfer,
    Kind.SEND: _sent,
    Kind.SPOT_TRANSFER: _spot_transfer,
    Kind.REWARDS_CLAIM: _rewards,
    Kind.LIQUIDATION: _liquidation,
}
"""How each kind of movement is written."""
