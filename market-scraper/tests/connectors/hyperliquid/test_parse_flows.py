"""Entries as the venue's documentation shows them, seen from each side."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from market_scraper.connectors.hyperliquid.parse_flows import (
    parse_funding_frame,
    parse_ledger_frame,
    parse_ledger_updates,
    parse_user_funding,
)
from market_scraper.errors import WireFormatError
from shared_events.payloads import AccountFlow
from shared_events.testing.factories import an_address

ME, OTHER = an_address(1), an_address(2)
TX = "0x" + "a" * 64


def ledger(delta: dict[str, Any], address: str = ME) -> list[AccountFlow]:
    row = {"time": 1_790_000_000_000, "hash": TX, "delta": delta}
    return parse_ledger_updates(json.dumps([row]).encode(), address)


@pytest.mark.parametrize(
    ("delta", "kind", "amount", "other"),
    [
        ({"type": "deposit", "usdc": "2703997.45"}, "deposit", "2703997.45", None),
        ({"type": "withdraw", "usdc": "10", "nonce": 1, "fee": "1"}, "withdrawal", "-11", None),
        ({"type": "accountClassTransfer", "usdc": "5", "toPerp": True}, "transfer", "5", None),
        ({"type": "accountClassTransfer", "usdc": "5", "toPerp": False}, "transfer", "-5", None),
        (
            {"type": "internalTransfer", "usdc": "7", "user": ME, "destination": OTHER, "fee": "1"},
            "transfer",
            "-8",
            OTHER,
        ),
        (
            {"type": "internalTransfer", "usdc": "7", "user": OTHER, "destination": ME, "fee": "1"},
            "transfer",
            "7",
            OTHER,
        ),
        (
            {"type": "send", "usdcValue": "3", "user": OTHER, "destination": ME},
            "transfer",
            "3",
            OTHER,
        ),
        ({"type": "vaultDeposit", "vault": OTHER, "usdc": "4"}, "transfer", "-4", OTHER),
        (
            {"type": "vaultWithdraw", "vault": OTHER, "user": ME, "netWithdrawnUsd": "9"},
            "transfer",
            "9",
            OTHER,
        ),
        ({"type": "somethingNew", "usdc": "4"}, "transfer", None, None),
    ],
)
def test_an_entry_is_told_with_its_sign_and_its_other_side(
    delta: dict[str, Any], kind: str, amount: str | None, other: str | None
) -> None:
    [flow] = ledger(delta)

    assert flow.kind == kind
    assert flow.amount == (None if amount is None else Decimal(amount))
    assert flow.counterparty == other
    assert flow.hash == TX


def test_a_liquidation_moves_no_money_by_itself() -> None:
    assert ledger({"type": "liquidation", "liquidatedNtlPos": "1"}) == []


def test_funding_is_below_zero_when_it_was_paid_over_rest_and_websocket_alike() -> None:
    paid = {"coin": "ETH", "usdc": "-3.625312", "szi": "49.1477", "fundingRate": "0.0000417"}
    hour = 1_790_000_000_015
    rest = [{"time": hour, "hash": "0x" + "0" * 64, "delta": {"type": "funding", **paid}}]
    frame = {"isSnapshot": True, "user": ME, "fundings": [{"time": hour, **paid}]}

    [flow] = parse_user_funding(json.dumps(rest).encode(), ME)
    own = parse_funding_frame(json.dumps(frame).encode())

    assert (flow.kind, flow.coin, flow.amount) == ("funding", "ETH", Decimal("-3.625312"))
    assert own == (ME, [flow])


def test_a_frame_of_the_ledger_says_whose_it_is() -> None:
    row = {"time": 1, "hash": TX, "delta": {"type": "deposit", "usdc": "1"}}
    own = parse_ledger_frame(
        json.dumps(
            {"user": ME.upper().replace("X", "x"), "nonFundingLedgerUpdates": [row]}
        ).encode()
    )

    assert own.address == ME
    assert len(own.flows) == 1


@pytest.mark.parametrize("raw", [b"null", b"{}", b'[{"time":1}]'])
def test_what_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(WireFormatError):
        parse_ledger_updates(raw, ME)


@pytest.mark.data
def test_recorded_funding_is_read(recordings: Path) -> None:
    folder = recordings / "hyperliquid" / "rest_cassettes"
    name = "test_user_funding_history_without_end_time_0_userFunding.json"
    rows = json.loads((folder / name).read_text())["response"]

    flows = parse_user_funding(json.dumps(rows).encode(), ME)

    assert len(flows) == len(rows) > 0
    assert [flow.at for flow in flows] == sorted(flow.at for flow in flows)
