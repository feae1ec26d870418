"""Links every issued signal to the one before it, so that none can be changed or left out later.

A signal's ``hash`` is the SHA-256 of its own JSON, as served, with the value of ``hash`` left empty;
``prev_hash`` is the hash of the signal issued before it, of whatever coin and horizon.
"""

from hashlib import sha256

from msgspec import json, structs

from shared_events.payloads import Signal

GENESIS = "0" * 64
"""What the first signal of a chain names as the one before it."""

_encoder = json.Encoder()


def linked(signal: Signal, prev_hash: str) -> Signal:
    """Return `signal` as the one that follows `prev_hash`."""
    open_end = structs.replace(signal, prev_hash=prev_hash, hash="")
    return structs.replace(open_end, hash=sha256(_encoder.encode(open_end)).hexdigest())


def document(signal: Signal) -> bytes:
    """Return the JSON that `signal` is served, stored and hashed as."""
    return _encoder.encode(signal)


def is_intact(served: bytes) -> bool:
    """Tell whether a served document still has the bytes its hash was taken of."""
    told = json.decode(served, type=Signal).hash
    emptied = served.replace(b'"hash":"' + told.encode() + b'"', b'"hash":""', 1)
    return sha256(emptied).hexdigest() == told
