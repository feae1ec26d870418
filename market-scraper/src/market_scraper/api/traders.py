"""Who is tracked, what they hold, what they held; and who is to be tracked."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from market_scraper.api.answers import Address, Limit, Milliseconds, document, from_no_page
from market_scraper.moments import milliseconds, moment
from market_scraper.orchestration.scraper import Scraper
from market_scraper.positions.anchors import Account
from market_scraper.positions.books import book_of
from market_scraper.storage.tables import POSITIONS

_WEEK_MS = 7 * 86_400_000
_WISHES = {"add": True, "remove": False, "blacklist": False, "reset": None}


def router(scraper: Scraper) -> APIRouter:
    """Return the routes under ``/api/v1/traders``."""
    routes = APIRouter(prefix="/api/v1/traders")
    _wishes(routes, scraper)

    @routes.get("")
    async def traders(
        limit: Limit = 500, offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0
    ) -> Response:
        """Return who is tracked, best first."""
        members = list(scraper.leaderboard.roster.values())
        rows = [_row(scraper, member.address) for member in members[offset : offset + limit]]
        return document({"total": len(members), "traders": rows})

    @routes.get("/{address}")
    async def trader(address: Address) -> Response:
        """Return one trader's book and how each position is known."""
        account = scraper.positions.books.accounts.get(address.lower())
        if account is None:
            raise HTTPException(404, f"{address} is not tracked")
        books = list(scraper.positions.books.of(account.address))
        known = [book for book in books if book.anchored]
        return document(
            {
                **_row(scraper, account.address),
                "as_of": moment(max(book.as_of_ms for book in known)) if known else None,
                "account_value": account.account_value,
                "sequence": scraper.positions.books.sequences.get(account.address),
                "verified": account.address in scraper.positions.verified(),
                "exchanges": [_exchange(book) for book in books],
                "positions": book_of(known),
            }
        )

    @routes.get("/{address}/history")
    async def history(
        address: Address,
        coin: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
        since_ms: Milliseconds = None,
        until_ms: Milliseconds = None,
        limit: Limit = 500,
    ) -> Response:
        """Return what a trader held and when that changed, newest first; by default of the last week."""
        if since_ms is None:
            since_ms = max(0, (until_ms or milliseconds(scraper.clock.now())) - _WEEK_MS)
        where = {"address": address.lower()} | ({"coin": coin} if coin else {})
        rows = await scraper.repository.find(POSITIONS, where, since_ms=since_ms, until_ms=until_ms)
        rows.sort(key=lambda row: -row.at_ms)
        return document({"address": address.lower(), "positions": rows[:limit]})

    return routes


def _exchange(book: Account) -> dict[str, Any]:
    """Return how one book of a trader is known; the venue's own exchange has no name."""
    return {
        "dex": book.dex,
        "anchored_at": None if book.anchored_ms is None else moment(book.anchored_ms),
        "in_doubt": sorted(book.doubts),
    }


def _wishes(routes: APIRouter, scraper: Scraper) -> None:
    """Add the routes about what a person wants."""

    @routes.get("/blacklist")
    async def blacklist() -> Response:
        """Return who is never tracked, because a person said so."""
        overrides = await scraper.repository.overrides()
        return document({"blacklist": sorted(overrides.removed)})

    @routes.post("/{address}/{wish}", dependencies=[Depends(from_no_page)])
    async def wish(address: Address, wish: str) -> Response:
        """Track a trader (`add`), never (`remove`, `blacklist`), or as the leaderboard decides (`reset`)."""
        if wish not in _WISHES:
            raise HTTPException(404, f"there is no {wish[:20]!r}; there are {', '.join(_WISHES)}")
        await scraper.repository.override(address.lower(), tracked=_WISHES[wish])
        return document({"address": address.lower(), "tracked": _WISHES[wish]})


def _row(scraper: Scraper, address: str) -> dict[str, Any]:
    account = scraper.positions.books.accounts.get(address)
    member = scraper.positions.members.get(address)
    anchored_ms = account.anchored_ms if account else None
    return {
        "address": address,
        "score": member.score if member else None,
        "reason": member.reason if member else None,
        "anchored_at": None if anchored_ms is None else moment(anchored_ms),
        "positions_held": sum(len(book.holdings) for book in scraper.positions.books.of(address))
        if account and account.anchored
        else None,
        "in_doubt": sorted(
            coin for book in scraper.positions.books.of(address) for coin in book.doubts
        ),
    }
