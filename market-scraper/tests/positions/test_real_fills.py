"""The ledger beside fills of real wallets, as the venue accounted for them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from market_scraper.positions.ledger import Delta, Holding, apply, classify, closed_pnl
from market_scraper.positions.numbers import ZERO

pytestmark = pytest.mark.data

SIZE_DECIMALS = {"SOL": 2, "ETH": 4, "BTC": 5, "XYZ100": 4}
"""Of what the two wallets traded; the other stocks have three."""

LAST_DIGIT = Decimal("0.000001")
AVERAGE_DIGIT = Decimal("0.00005")
"""Half a unit of the last digit of a price that is a mean over fills."""

Row = dict[str, Any]


@pytest.mark.parametrize(
    ("agent", "fills", "exact"), [("grok-4", 5_813, 0.995), ("gpt-5-1", 2_623, 0.989)]
)
def test_closed_profit_is_what_the_venue_says_and_every_other_row_has_a_reason(
    recordings: Path, agent: str, fills: int, exact: float
) -> None:
    rows = _agent_fills(recordings, agent)
    verdicts = Counter(_closed_profits(rows))

    assert len(rows) == sum(verdicts.values()) == fills
    assert (verdicts["exact"] + verdicts["rounded price"]) / fills >= exact
    assert verdicts["unexplained"] == 0


@pytest.mark.parametrize("agent", ["grok-4", "gpt-5-1"])
def test_directions_are_named_as_the_venue_names_them_and_all_ends_flat(
    recordings: Path, agent: str
) -> None:
    held: dict[str, Holding] = {}
    for row in _agent_fills(recordings, agent):
        delta = _delta(row["symbol"], row)
        before = held.get(delta.coin, Holding(delta.coin, ZERO))
        held[delta.coin] = apply(before, delta)

        assert _direction(before.size, held[delta.coin].size) == row["dir"]
    assert not any(holding.size for holding in held.values())


def test_the_sample_chains_fill_by_fill_but_for_what_spot_fees_take(recordings: Path) -> None:
    rows = pq.read_table(
        recordings / "market/hyperliquid/primetrade_sample_fills.parquet"
    ).to_pylist()
    perps = [row for row in rows if not row["coin"].startswith("@")]
    spot = [row for row in rows if row["coin"].startswith("@")]

    chained, broken = _chain(perps, lambda _held, missing: not missing)
    assert len(rows) == 5_879
    assert (chained, broken) == (4_742, 6)

    chained, broken = _chain(spot, lambda bought, missing: 0 <= missing <= bought / 1_000)
    assert (chained, broken) == (1_051, 45)


def _agent_fills(recordings: Path, agent: str) -> list[Row]:
    table = pq.read_table(recordings / "market/hyperliquid/agent_fills_2025Q4/fills.parquet")
    rows: list[Row] = table.filter(pc.equal(table["agent"], agent)).to_pylist()
    return rows


def _closed_profits(rows: Iterable[Row]) -> Iterator[str]:
    """Yield for every row how what the ledger realises compares with what the venue says.

    * ``exact``: to the last digit.
    * ``rounded price``: as far as the recording tells; a price with more digits than the venue's
      has is a mean over several fills, rounded to four decimals.
    * ``one tick lower``: several fills in one row, some of whose lots were closed one price step
      lower, because each rounds the mean entry anew.
    """
    held: dict[str, Holding] = {}
    rounding: dict[str, Decimal] = {}
    for row in rows:
        coin, delta = row["symbol"], _delta(row["symbol"], row)
        before = held.get(coin, Holding(coin, ZERO))
        after = held[coin] = apply(before, delta)
        size_decimals = SIZE_DECIMALS.get(coin, 3)
        tick, lot = Decimal(1).scaleb(size_decimals - 6), Decimal(1).scaleb(-size_decimals)
        slack = ZERO if _is_price(delta.price) else AVERAGE_DIGIT
        profit, size = closed_pnl(before, delta, tick), abs(delta.signed)
        assert profit is not None
        off = abs(profit - _exactly(row["closed_pnl"]))
        tolerated = LAST_DIGIT + size * (slack + rounding.get(coin, ZERO))
        if off <= LAST_DIGIT:
            yield "exact"
        elif off <= tolerated:
            yield "rounded price"
        elif off <= tolerated + tick * size and (
            slack or rounding.get(coin) or _whole(off / tick, lot)
        ):
            yield "one tick lower"
        else:
            yield "unexplained"
        if classify(before.size, after.size) in {"open", "increase", "flip"}:
            share = min(size / abs(after.size), Decimal(1))
            rounding[coin] = rounding.get(coin, ZERO) * (1 - share) + slack * share


def _chain(rows: Iterable[Row], fits: Callable[[Decimal, Decimal], bool]) -> tuple[int, int]:
    """Count the fills that begin where the one before them left off, and those that do not.

    The recording tells only the minute: within one the fill follows that begins nearest.
    """
    chained = broken = 0
    wallet_and_coin = itemgetter("account", "coin")
    for (_, coin), fills in groupby(sorted(rows, key=wallet_and_coin), key=wallet_and_coin):
        held, gained = None, ZERO
        minute = itemgetter("timestamp_ms")
        for _, same in groupby(sorted(fills, key=minute), key=minute):
            left = list(same)
            while left:
                fill = _next(left, held)
                left.remove(fill)
                if held is not None:
                    follows = fits(max(gained, ZERO), held - _start(fill))
                    chained, broken = chained + follows, broken + (not follows)
                gained = _signed(fill)
                held = apply(Holding(coin, _start(fill)), _delta(coin, fill)).size
    return chained, broken


def _next(rows: list[Row], held: Decimal | None) -> Row:
    """Return the row that begins nearest to `held`; at first the one that no other leads to."""
    if held is not None:
        known = held
        return min(rows, key=lambda row: abs(_start(row) - known))
    ends = {_start(row) + _signed(row) for row in rows}
    return next((row for row in rows if _start(row) not in ends), rows[0])


def _direction(before: Decimal, after: Decimal) -> str:
    kind, side = classify(before, after), "Long" if (before or after) > 0 else "Short"
    if kind == "flip":
        return "Long > Short" if before > 0 else "Short > Long"
    return f"{'Open' if kind in {'open', 'increase'} else 'Close'} {side}"


def _delta(coin: str, row: Row) -> Delta:
    price = _exactly(row["price"] if "price" in row else row["execution_price"])
    return Delta(coin, row["timestamp_ms"], 0, _signed(row), price, taker=True)


def _signed(row: Row) -> Decimal:
    size = _exactly(row["size"] if "size" in row else row["size_tokens"])
    return size if row["side"] == "BUY" else -size


def _start(row: Row) -> Decimal:
    return _exactly(row["start_position"])


def _exactly(number: float) -> Decimal:
    """Return what the venue wrote, as far as the recording kept it."""
    return Decimal(repr(number)).quantize(LAST_DIGIT)


def _is_price(price: Decimal) -> bool:
    """Tell whether `price` can be one of the venue's: five significant digits, or whole."""
    digits = price.normalize().as_tuple()
    return len(digits.digits) <= 5 or not price % 1


def _whole(quantity: Decimal, lot: Decimal) -> bool:
    return abs(quantity / lot - round(quantity / lot)) < Decimal("0.01")
