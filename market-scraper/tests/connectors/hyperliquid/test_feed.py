import structlog

from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.room import room_for
from market_scraper.connectors.hyperliquid.session import Subscription
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import an_address


def carried(feed: Feed) -> list[set[str]]:
    """Return the coins of each connection."""
    return [
        {wanted.coin for wanted in each.line.wanted if wanted.coin}
        for each in feed._lines  # noqa: SLF001 -- how they are spread is not told otherwise
    ]


def test_coins_are_spread_evenly_and_each_is_on_one_connection(clock: ManualClock) -> None:
    feed = Feed("ws://nowhere", clock, lines=3)

    feed.follow(f"C{number}" for number in range(8))
    feed.follow(f"C{number}" for number in range(8))

    assert sorted(map(len, carried(feed))) == [2, 3, 3]
    assert len(set[str]().union(*carried(feed))) == 8
    assert (feed.needed, feed.open, feed.ready) == (3, 0, False)


def test_a_coin_that_is_not_listed_any_more_is_let_go(clock: ManualClock) -> None:
    feed = Feed("ws://nowhere", clock, lines=1)
    feed.subscribe(Subscription("candle", "BTC", "1h"))
    feed.follow(["BTC", "OLD"])

    feed.follow(["BTC", "NEW"])

    assert carried(feed) == [{"BTC", "NEW"}]
    assert Subscription("candle", "BTC", "1h") in feed._lines[0].line.wanted  # noqa: SLF001


def test_users_beyond_our_share_of_the_cap_are_refused_until_one_is_let_go(
    clock: ManualClock,
) -> None:
    feed = Feed("ws://nowhere", clock, lines=2)
    users = [an_address(number) for number in range(room_for().users + 1)]
    fitted = [feed.subscribe(Subscription("userFills", user=user)) for user in users]
    assert fitted == [True] * room_for().users + [False]
    assert feed.subscribe(Subscription("userEvents", user=users[0]))

    feed.unsubscribe(Subscription("userFills", user=users[1]))

    assert feed.subscribe(Subscription("userFills", user=users[-1]))
    assert len(feed.users) == room_for().users


def test_a_coin_that_is_not_listed_is_named_and_never_asked_for(clock: ManualClock) -> None:
    feed = Feed("ws://nowhere", clock, lines=1)
    feed.subscribe(Subscription("candle", "GONE", "1m"))

    with structlog.testing.capture_logs() as logs:
        feed.follow(["BTC"])
        taken = feed.subscribe(Subscription("candle", "NONSENSE", "1m"))

    assert not taken
    assert "NONSENSE" in logs[0]["dropped"]
    assert carried(feed) == [{"BTC"}]
