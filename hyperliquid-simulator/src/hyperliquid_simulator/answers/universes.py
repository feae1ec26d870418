"""What the venue lists, as the venue writes it: universes, tokens, dexes, questions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hyperliquid_simulator.coins.catalogue import MARGIN_TIERS, Perp
from hyperliquid_simulator.coins.dexes import OWN, Dex
from hyperliquid_simulator.coins.pairs import Outcome, Pair
from hyperliquid_simulator.coins.tokens import TOKENS, Token

Json = dict[str, Any]

GROWTH_SINCE: Final = "2025-11-19T17:03:21.483751642"
OPEN_INTEREST_CAP: Final = "100000000.0"


def meta(dex: Dex, coins: Sequence[Perp]) -> Json:
    """Return the universe of a perp dex; a builder's has no margin tiers."""
    return {
        "universe": [_perp(coin) for coin in coins],
        "marginTables": _margin_tables() if dex.name == OWN else [],
        "collateralToken": dex.collateral.index,
    }


def _perp(coin: Perp) -> Json:
    """Return one perpetual, with the keys that apply to it."""
    found: Json = {
        "szDecimals": coin.size_decimals,
        "name": coin.name,
        "maxLeverage": coin.max_leverage,
        "marginTableId": coin.margin_table,
    }
    if coin.only_isolated:
        found["onlyIsolated"] = True
    if coin.delisted:
        found["isDelisted"] = True
    if coin.only_isolated and coin.dex != OWN:
        found["marginMode"] = "strictIsolated"
    if coin.growth:
        found |= {"growthMode": "enabled", "lastGrowthModeChangeTime": GROWTH_SINCE}
    return found


def _margin_tables() -> list[list[Any]]:
    return [
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
    ]


def perp_dex(dex: Dex, coins: Sequence[Perp]) -> Json | None:
    """Return what is known about a builder's dex; the venue's own is None."""
    if dex.name == OWN:
        return None
    return {
        "name": dex.name,
        "fullName": dex.full_name,
        "deployer": dex.deployer,
        "oracleUpdater": None,
        "feeRecipient": dex.deployer,
        "assetToStreamingOiCap": [[coin.name, OPEN_INTEREST_CAP] for coin in coins],
        "subDeployers": [],
        "assetToFundingMultiplier": [
            [coin.name, str(coin.funding_multiplier)] for coin in coins if coin.growth
        ],
    }


def spot_meta(pairs: Sequence[Pair]) -> Json:
    """Return the spot universe; the tokens are complete, because clients look them up by place."""
    return {
        "universe": [
            {
                "tokens": [pair.base.index, pair.quote.index],
                "name": pair.name,
                "index": pair.index,
                "isCanonical": pair.base.canonical,
            }
            for pair in pairs
        ],
        "tokens": [_token(TOKENS.get(i) or _unused(i)) for i in range(max(TOKENS) + 1)],
    }


def _unused(index: int) -> Token:
    """Return a token that no pair trades and nobody holds."""
    return Token(f"UNUSED{index}", index, 2, 8)


def _token(token: Token) -> Json:
    return {
        "name": token.name,
        "szDecimals": token.size_decimals,
        "weiDecimals": token.wei_decimals,
        "index": token.index,
        "tokenId": token.id,
        "isCanonical": token.canonical,
        "evmContract": None,
        "fullName": token.full_name,
        "deployerTradingFeeShare": "0.0",
    }


def outcome_meta(coins: Sequence[Outcome]) -> Json:
    """Return every open question once, by its first side."""
    return {
        "outcomes": [question(coin) for coin in coins if coin.says_above and not coin.delisted],
        "questions": [],
    }


def question(coin: Outcome) -> Json:
    """Return what a question asks."""
    ends = datetime.fromtimestamp(coin.ends_ms / 1000, UTC)
    return {
        "outcome": coin.question,
        "name": "template:binaryPrice",
        "description": "|".join(
            (
                f"perp:{coin.follows}",
                f"priceDescription:{coin.follows}-USDC perp mark",
                "seconds:60",
                f"threshold:{coin.threshold:g}",
                f"time:{ends:%Y%m%d-%H%M}",
            )
        ),
        "sideSpecs": [{"name": "template:Yes"}, {"name": "template:No"}],
        "quoteToken": coin.quote.name,
        "venue": "out",
        "deployerFeeScale": "1.0",
    }
