"""How the venue writes numbers and names transactions: decimal strings, hashes, trade ids.

Inside the simulator money is integers. A size counts lots of ``10**-size_decimals``, a price counts
ticks of ``10**-(6 - size_decimals)``, so lots times ticks is a whole number of micro-dollars and
every account invariant holds to the last digit.
"""

from hashlib import blake2b
from typing import Final

MICRO: Final = 1_000_000
ZERO_HASH: Final = "0x" + "0" * 64

_MASK_64: Final = (1 << 64) - 1


def exact(units: int, decimals: int) -> str:
    """Write a scaled integer without trailing zeros but always with a decimal point.

    Examples
    --------
    >>> exact(200, 5), exact(-5, 0), exact(841330, 1)
    ('0.002', '-5.0', '84133.0')
    """
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), 10**decimals)
    if not part:
        return f"{sign}{whole}.0"
    return f"{sign}{whole}.{part:0{decimals}d}".rstrip("0")


def noisy(value: float) -> str:
    """Write a binary float to ten decimals, noise included, as the venue writes sums.

    Examples
    --------
    >>> noisy(38252.7), noisy(3155203.766062), noisy(-0.0)
    ('38252.7', '3155203.7660619998', '0.0')
    """
    text = f"{value:.10f}".rstrip("0")
    text = text + "0" if text.endswith(".") else text
    return "0.0" if text == "-0.0" else text


def dollars(micro: int) -> str:
    """Write micro-dollars as the venue writes a sum in dollars.

    Examples
    --------
    >>> dollars(-339414300000)
    '-339414.3'
    """
    return noisy(micro / MICRO)


def transaction_hash(seed: int, height: int, index: int) -> str:
    """Return a hash that carries block height and transaction index where the venue's do.

    Examples
    --------
    >>> decode_hash(transaction_hash(7, 1159069126, 583))
    (1159069126, 583)
    """
    noise = blake2b(b"%d:%d:%d" % (seed, height, index), digest_size=32).digest()
    carried = _sized(height) + _sized(index)
    return "0x" + (noise[:10] + carried + noise[10:])[:32].hex()


def decode_hash(text: str) -> tuple[int, int] | None:
    """Return (block height, transaction index), or None for the zero hash of a TWAP slice."""
    raw = bytes.fromhex(text[2:])
    if not any(raw):
        return None
    size = raw[10]
    height = int.from_bytes(raw[11 : 11 + size], "big")
    return height, int.from_bytes(raw[12 + size : 12 + size + raw[11 + size]], "big")


def trade_id(buyer_order: int, seller_order: int) -> int:
    """Return the 50-bit id both fills of a trade share, a hash of the two order ids."""
    mixed = (buyer_order * 0x9E3779B97F4A7C15 + seller_order) & _MASK_64
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK_64
    return mixed >> 14


def address(seed: int, kind: str, index: int) -> str:
    """Return a lower-case account address, the same for the same seed."""
    return "0x" + blake2b(b"%d:%s:%d" % (seed, kind.encode(), index), digest_size=20).hexdigest()


def _sized(number: int) -> bytes:
    size = (number.bit_length() + 7) // 8
    return bytes([size]) + number.to_bytes(size, "big")
