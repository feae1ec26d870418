import json

from market_scraper.connectors.hyperliquid.line import OVERLAP_SECONDS, Lifetime, Line
from market_scraper.connectors.hyperliquid.session import Session, Subscription
from market_scraper.connectors.hyperliquid.tape import TradeTape

BTC, ETH = Subscription("trades", "BTC"), Subscription("trades", "ETH")
HOUR = 3_600.0


def line(*wanted: Subscription, lifetime: float = HOUR) -> Line:
    return Line(TradeTape(), Lifetime(lifetime), wanted=dict.fromkeys(wanted))


def confirm(talk: Session, *subscriptions: Subscription, now: float) -> None:
    list(talk.due(now))
    for each in subscriptions:
        echo = {"type": each.type, "coin": each.coin}
        ack = {"channel": "subscriptionResponse", "data": {"method": "subscribe"}}
        ack["data"] |= {"subscription": echo}  # type: ignore[operator]  # a literal
        list(talk.received(json.dumps(ack), now))


def carried(of: Line, now: float = 0) -> Session:
    """Return a connection that carries everything."""
    talk = of.begin()
    talk.opened(now)
    confirm(talk, *of.wanted, now=now)
    return talk


def test_nothing_wanted_needs_no_connection() -> None:
    assert not line().needs_first()
    assert line(BTC).needs_first()


def test_the_old_connection_stays_until_its_successor_has_carried_everything_for_a_while() -> None:
    both = line(BTC, ETH)
    old = carried(both)
    assert not both.needs_successor(0.5 * HOUR)
    assert both.needs_successor(0.7 * HOUR)
    now = 0.7 * HOUR
    new = both.begin()
    new.opened(now)

    confirm(new, BTC, now=now)
    for later in (0, OVERLAP_SECONDS, 2 * OVERLAP_SECONDS):
        both.relieve(now + later)
        assert not old.released
    confirm(new, ETH, now=now)
    both.relieve(now + 10)
    assert not old.released
    both.relieve(now + 10 + OVERLAP_SECONDS)

    assert [old.released] == [True]
    assert not new.released
    assert both.ended(old, by_venue=False) is None
    assert both.talks == [new]
    assert both.ready


def test_a_successor_that_breaks_leaves_the_old_connection_alone() -> None:
    only = line(BTC)
    old, new = carried(only), carried(only, now=HOUR)
    only.relieve(HOUR)

    only.ended(new, by_venue=True)
    only.relieve(HOUR + 100)

    assert not old.released
    assert only.needs_successor(HOUR + 100)


def test_the_lifetime_that_the_venue_showed_is_what_is_kept_to() -> None:
    lifetime = Lifetime(6 * HOUR)
    only = Line(TradeTape(), lifetime, place=1.0, wanted={BTC: None})

    lifetime.expired(HOUR)
    lifetime.expired(2 * HOUR)
    carried(only)

    assert not only.needs_successor(0.8 * HOUR)
    assert only.needs_successor(0.9 * HOUR)


def test_a_connection_that_is_tired_gets_a_successor_at_any_age() -> None:
    only = line(BTC)
    carried(only).tired = "BTC stays silent"

    assert only.needs_successor(1)


def test_a_coin_that_alone_closes_the_connection_twice_is_wanted_no_more() -> None:
    both, found = line(BTC, ETH), None
    for number in range(2):
        talk = both.begin()
        talk.opened(number)
        confirm(talk, BTC, now=number)
        list(talk.due(number))
        found = both.ended(talk, by_venue=True)

    assert found == ETH
    assert list(both.wanted) == [BTC]
