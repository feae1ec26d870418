import json
from pathlib import Path
from typing import Any

import pytest

from market_scraper.connectors.hyperliquid.session import (
    ACK_SECONDS,
    GREETING,
    PING_SECONDS,
    PONG_SECONDS,
    Complaint,
    Data,
    Effect,
    Reconnect,
    Send,
    Session,
    Subscription,
    TradesSeen,
)
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.errors import WireFormatError
from shared_events.testing.factories import an_address

BTC = Subscription("trades", "BTC")
ETH = Subscription("trades", "ETH")


def session(*wanted: Subscription) -> Session:
    opened = Session(TradeTape(), dict.fromkeys(wanted))
    opened.opened(0)
    return opened


def frame(channel: str, data: Any) -> str:
    return json.dumps({"channel": channel, "data": data})


def acknowledged(subscription: dict[str, Any]) -> str:
    return frame("subscriptionResponse", {"method": "subscribe", "subscription": subscription})


def trades(first: int, last: int, coin: str = "BTC") -> str:
    return frame(
        "trades",
        [
            {
                "coin": coin,
                "side": "B",
                "px": "1",
                "sz": "1",
                "time": number,
                "tid": number,
                "users": [an_address(1), an_address(2)],
            }
            for number in range(first, last + 1)
        ],
    )


def due(talk: Session, now: float) -> list[Effect]:
    return list(talk.due(now))


def heard(talk: Session, text: str, now: float = 1.0) -> list[Effect]:
    return list(talk.received(text, now))


def test_everything_wanted_is_asked_for_once() -> None:
    talk = session(BTC, ETH)

    sent = due(talk, 0)

    assert sent == [
        Send('{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}'),
        Send('{"method":"subscribe","subscription":{"type":"trades","coin":"ETH"}}'),
    ]
    assert due(talk, 1) == []


def test_an_echo_with_other_order_and_added_keys_confirms_what_was_asked() -> None:
    talk = session(Subscription("candle", "BTC", "1h"))
    due(talk, 0)
    assert not talk.ready

    heard(talk, acknowledged({"interval": "1h", "type": "candle", "coin": "BTC", "fast": False}))

    assert talk.ready


def test_a_subscription_nobody_confirms_ends_the_connection() -> None:
    talk = session(BTC)
    due(talk, 0)
    heard(talk, trades(1, 2), now=19)

    assert due(talk, ACK_SECONDS) == [Send('{"method":"ping"}')]
    assert due(talk, ACK_SECONDS + 1) == [Reconnect("a subscription was not confirmed")]


def test_pings_are_sent_and_a_missing_pong_ends_the_connection() -> None:
    talk = session()

    assert due(talk, PING_SECONDS) == [Send('{"method":"ping"}')]
    heard(talk, '{"channel":"pong"}', now=PING_SECONDS + 1)
    assert due(talk, PING_SECONDS + PONG_SECONDS + 1) == []
    assert due(talk, 2 * PING_SECONDS) == [Send('{"method":"ping"}')]
    assert due(talk, 2 * PING_SECONDS + PONG_SECONDS + 1) == [Reconnect("no pong")]


def test_the_greeting_and_acknowledgements_say_nothing() -> None:
    talk = session()

    assert heard(talk, GREETING) == []
    assert heard(talk, acknowledged({"type": "trades", "coin": "BTC"})) == []


def test_the_first_frame_after_a_subscription_is_its_replay() -> None:
    talk = session(BTC)
    due(talk, 0)
    heard(talk, trades(1, 30))
    talk.opened(100)
    due(talk, 100)

    [seen] = heard(talk, trades(51, 80), now=101)

    assert isinstance(seen, TradesSeen)
    assert (seen.taken.gap, seen.taken.covered_from_ms) == (True, 51)


def test_a_coin_that_falls_silent_on_a_living_connection_is_subscribed_anew() -> None:
    talk = session(BTC)
    due(talk, 0)
    heard(talk, acknowledged({"type": "trades", "coin": "BTC"}))
    for number in range(25):
        heard(talk, trades(number, number), now=number / 10)
    assert due(talk, 5) == []

    sent = due(talk, 6)

    assert [json.loads(s.text)["method"] for s in sent if isinstance(s, Send)] == [
        "unsubscribe",
        "subscribe",
    ]


def test_other_channels_are_handed_on_and_complaints_are_told() -> None:
    talk = session()

    assert heard(talk, frame("candle", {"t": 1})) == [Data("candle", b'{"t": 1}')]
    [complaint] = heard(talk, frame("error", "Already subscribed: {}"))
    assert isinstance(complaint, Complaint)
    assert "Already subscribed" in complaint.text


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"data":1}', '{"channel":"trades"}'])
def test_a_frame_nobody_can_read_is_a_wire_format_error(text: str) -> None:
    with pytest.raises(WireFormatError):
        heard(session(), text)


@pytest.mark.data
def test_recorded_frames_of_every_channel_are_taken(recordings: Path) -> None:
    folder = recordings / "hyperliquid" / "recorded_frames"
    talk = session()
    seen = 0

    for name in ("choosemycoins_testnet_2026-07-28", "gocryptotrader_fork_2026-10-06"):
        for text in (folder / f"{name}.jsonl").read_text().splitlines():
            line = json.loads(text)
            if line["kind"] in {"ws", "text"}:
                heard(talk, line["raw"])
                seen += 1

    assert seen > 40


def test_what_is_not_wanted_any_more_is_unsubscribed_once() -> None:
    talk = session(BTC)
    due(talk, 0)
    heard(talk, acknowledged({"type": "trades", "coin": "BTC"}))

    del talk.wanted[BTC]

    assert due(talk, 1) == [Send(BTC.message("unsubscribe"))]
    assert due(talk, 2) == []


def test_a_user_is_confirmed_by_an_echo_in_the_venues_own_form() -> None:
    fills = Subscription("userFills", user=an_address(1))
    talk = session(fills)
    assert due(talk, 0) == [Send(fills.message("subscribe"))]
    assert f'{{"type":"userFills","user":"{an_address(1)}"}}' in fills.message("subscribe")

    heard(
        talk,
        acknowledged({"type": "userFills", "aggregateByTime": False, "user": an_address(1)}),
        now=70,
    )

    assert due(talk, 71) == [Send('{"method":"ping"}')]


def test_a_user_without_a_place_is_asked_for_again_and_the_connection_lives() -> None:
    fills = Subscription("userFills", user=an_address(1))
    talk = session(fills)
    due(talk, 0)
    heard(talk, frame("error", "Cannot track more than 10 total users."), now=20)
    due(talk, 20)
    heard(talk, '{"channel":"pong"}', now=21)

    assert talk.ready
    assert Send(fills.message("subscribe")) not in due(talk, 30)
    heard(talk, '{"channel":"pong"}', now=60)
    assert Send(fills.message("subscribe")) in due(talk, 61)


def test_any_channel_with_a_rhythm_is_subscribed_anew_when_it_alone_falls_silent() -> None:
    context, candle = Subscription("activeAssetCtx", "BTC"), Subscription("candle", "BTC", "1m")
    talk = session(context, candle)
    due(talk, 0)
    for each in (context, candle):
        heard(talk, acknowledged({"type": each.type, "coin": "BTC", "interval": each.interval}))
    for second in range(1, 80):
        if second <= 25:
            heard(talk, frame("activeAssetCtx", {"coin": "BTC", "ctx": {}}), now=second)
        heard(talk, frame("candle", {"t": 1, "s": "BTC", "i": "1m"}), now=second)
        heard(talk, '{"channel":"pong"}', now=second)

    sent = [effect.text for effect in due(talk, 79) if isinstance(effect, Send)]

    assert sent[-2:] == [context.message("unsubscribe"), context.message("subscribe")]
    assert candle.message("subscribe") not in sent


def test_a_channel_that_stays_silent_after_that_tires_the_connection() -> None:
    talk = session(BTC)
    due(talk, 0)
    heard(talk, acknowledged({"type": "trades", "coin": "BTC"}))
    for number in range(25):
        heard(talk, trades(number, number), now=number / 10)
    due(talk, 6)
    heard(talk, acknowledged({"type": "trades", "coin": "BTC"}), now=7)

    due(talk, 6 + ACK_SECONDS + 1)

    assert talk.tired == "BTC stays silent"


def test_when_all_trades_stop_together_the_coins_that_trade_seldom_are_renewed_too() -> None:
    talk = session(BTC, ETH)
    due(talk, 0)
    for coin in ("BTC", "ETH"):
        heard(talk, acknowledged({"type": "trades", "coin": coin}))
    heard(talk, trades(99, 99, "ETH"))
    for number in range(25):
        heard(talk, trades(number, number), now=number / 10)

    sent = [json.loads(effect.text) for effect in due(talk, 6) if isinstance(effect, Send)]

    assert [(each["method"], each["subscription"]["coin"]) for each in sent] == [
        ("unsubscribe", "BTC"),
        ("subscribe", "BTC"),
        ("unsubscribe", "ETH"),
        ("subscribe", "ETH"),
    ]


def test_a_coin_whose_last_trades_were_not_repeated_is_asked_again_once_others_are_heard() -> None:
    talk = session(BTC, ETH)
    due(talk, 0)
    for coin in ("BTC", "ETH"):
        heard(talk, acknowledged({"type": "trades", "coin": coin}))
        heard(talk, trades(99, 99, coin))
    talk.asked(ETH, 10)

    heard(talk, trades(1, 2), now=11)
    assert due(talk, 18) == []
    heard(talk, trades(3, 4), now=17)

    sent = [json.loads(effect.text) for effect in due(talk, 18) if isinstance(effect, Send)]
    assert [each["subscription"]["coin"] for each in sent] == ["ETH", "ETH"]


def test_no_more_is_asked_for_than_there_is_room() -> None:
    talk = session(*(Subscription("trades", f"C{number}") for number in range(5)))

    assert [len(list(talk.due(0, room=2))) for _ in range(4)] == [2, 2, 1, 0]
