"""The spot side: one listed pair that nobody trades, and accounts that hold nothing there."""

from typing import Any, Final

from hyperliquid_simulator.views import Json, spot_meta

PAIR_PRICE: Final = "0.14988"
SUPPLY: Final = "598274922.3781250119"


def meta_and_contexts() -> list[Any]:
    """Return the spot universe and a context for each pair: a last price, no book, no volume."""
    meta = spot_meta()
    return [meta, [_context(pair["name"]) for pair in meta["universe"]]]


def clearinghouse_state() -> Json:
    """Return an account's spot balances; the simulator keeps all money on the perp side."""
    return {"balances": [], "tokenToAvailableAfterMaintenance": []}


def _context(pair: str) -> Json:
    return {
        "prevDayPx": PAIR_PRICE,
        "dayNtlVlm": "0.0",
        "markPx": PAIR_PRICE,
        "midPx": None,
        "circulatingSupply": SUPPLY,
        "coin": pair,
        "totalSupply": SUPPLY,
        "dayBaseVlm": "0.0",
    }
