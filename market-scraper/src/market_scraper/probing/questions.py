"""The open questions, and what an observation says about them. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

import msgspec

QUESTIONS: Final[Mapping[str, str]] = {
    "hidden_fills": "Are auto-deleveraging and backstop liquidations in the public trades?",
    "leaderboard_limit": "Is the leaderboard's host rate limited?",
    "lifetime": "How old does a connection grow before the venue closes it as expired?",
    "post_weight": "Do info requests over the websocket consume request weight?",
    "row_rounding": "How is the weight of rows rounded, and how is the minute counted?",
    "state_clock": "Is the time of a state that of a block?",
    "user_cap": "How many users may one address listen to?",
}


class Answer(msgspec.Struct, frozen=True):
    """What was found; `answer` None says that it could not be, `evidence` by what, or why not."""

    question: str
    answer: str | None
    evidence: dict[str, str | int | float]


Bucket = Literal["refills continuously", "sliding minute", "fixed minute"]


def bucket(since_first: float, waited: float, minute: float) -> Bucket:
    """Say how the minute is counted.

    Parameters
    ----------
    since_first
        Seconds from the first request that filled it to the first that passed again.
    waited
        Seconds from the first refusal until then.

    Examples
    --------
    >>> bucket(5.2, 1.0, 60), bucket(60.4, 55.0, 60), bucket(31.0, 26.0, 60)
    ('refills continuously', 'sliding minute', 'fixed minute')
    """
    if waited < minute / 10:
        return "refills continuously"
    return "sliding minute" if abs(since_first - minute) < minute / 10 else "fixed minute"


def weight_of_rows(limit: int, requests: int, base: int, light: int, light_weight: int) -> float:
    """Return what the rows of each of `requests` cost, if `light` requests more filled the limit.

    Examples
    --------
    >>> weight_of_rows(1200, requests=20, base=20, light=380, light_weight=2)
    2.0
    """
    return (limit - light * light_weight) / requests - base


def rounding(rows: int, per: int, weight: float) -> str:
    """Say whether a started group of rows counts in full.

    Examples
    --------
    >>> rounding(61, 60, 2.05), rounding(61, 60, 0.96), rounding(61, 60, 1.4)
    ('up', 'down', 'unclear: 1.40 for 61 rows')
    """
    up, down = -(-rows // per), rows // per
    if abs(weight - up) < 0.25:  # noqa: PLR2004 -- a quarter of the difference to be seen
        return "up"
    if abs(weight - down) < 0.25:  # noqa: PLR2004
        return "down"
    return f"unclear: {weight:.2f} for {rows} rows"


def state_clock(states: Sequence[int], blocks: Collection[int]) -> str | None:
    """Say whether states carry times of blocks, by how many of them fall on a block that traded.

    By chance one in about 70 does; None if there are too few to say.
    """
    if len(states) < 5 or not blocks:  # noqa: PLR2004 -- fewer may be chance
        return None
    share = sum(ms in blocks for ms in states) / len(states)
    return "block time" if share > 0.25 else "server clock or blocks without trades"  # noqa: PLR2004
