"""The leaderboard's bytes to the facts that are told of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import get_args

from market_scraper.connectors.hyperliquid.parse import parse_leaderboard
from market_scraper.positions.identity import Identity
from market_scraper.positions.roster import Member
from market_scraper.positions.scoring import SCORE_VERSION, Result, Standing
from shared_events.payloads import (
    LeaderboardChunk,
    LeaderboardRow,
    Performance,
    SnapshotPart,
    TrackedTrader,
    TraderProfile,
    Window,
)

CHUNK_ROWS = 500
WINDOWS: tuple[Window, ...] = get_args(Window)


def chunks(
    window: Window, generation: str, at: datetime, standings: Iterable[Standing], most: int
) -> Iterator[LeaderboardChunk]:
    """Yield one window's ranking by profit, at most `most` rows, in pieces."""
    ranked = sorted(
        (standing for standing in standings if window in standing.results),
        key=lambda standing: (-standing.results[window].pnl, standing.address),
    )[:most]
    total = -(-len(ranked) // CHUNK_ROWS)
    rows = iter(_row(window, rank, standing) for rank, standing in enumerate(ranked))
    for index in range(total):
        yield LeaderboardChunk(
            window=window,
            generation=generation,
            at=at,
            part=SnapshotPart(id=generation, index=index, total=total),
            rows=tuple(islice(rows, CHUNK_ROWS)),
        )


def introductions(
    members: Sequence[Member], at: datetime, *, snapshot: bool
) -> Iterator[TrackedTrader]:
    """Yield one fact a member; together they are the whole roster if it is a `snapshot`."""
    for index, member in enumerate(members):
        part = SnapshotPart(id=at.isoformat(), index=index, total=len(members))
        yield TrackedTrader(
            address=member.address,
            tracked=True,
            reason=member.reason,
            at=at,
            score=member.score,
            score_version=SCORE_VERSION,
            snapshot=part if snapshot else None,
        )


def departures(left: Mapping[str, str], at: datetime) -> Iterator[TrackedTrader]:
    """Yield one fact for everybody who left, with the reason."""
    for address, reason in left.items():
        yield TrackedTrader(address=address, tracked=False, reason=reason, at=at)


def profile(
    address: str, at: datetime, standing: Standing | None, identity: Identity | None
) -> TraderProfile:
    """Return what is known of `address`."""
    results: Mapping[Window, Result] = standing.results if standing else {}
    return TraderProfile(
        address=address,
        at=at,
        role=identity.role if identity else None,
        master=identity.master if identity else None,
        vault_leader=identity.leader if identity else None,
        children=identity.children if identity else (),
        account_value=standing.account_value if standing else None,
        windows={name: _performance(result) for name, result in results.items()},
    )


def generation_of(raw: bytes) -> str:
    """Return what tells this generation of the file from the next."""
    return blake2b(raw, digest_size=8).hexdigest()


def ranking(raw: bytes) -> tuple[str, dict[str, Standing]]:
    """Return what tells this generation from the next, and its rows, in one go."""
    standings = {standing.address: standing for standing in parse_leaderboard(raw)}
    return generation_of(raw), standings


def _row(window: Window, rank: int, standing: Standing) -> LeaderboardRow:
    return LeaderboardRow(
        address=standing.address,
        rank=rank,
        account_value=standing.account_value,
        performance=_performance(standing.results[window]),
        display_name=standing.display_name,
    )


def _performance(result: Result) -> Performance:
    return Performance(pnl=result.pnl, roi=result.roi, volume=result.volume)
