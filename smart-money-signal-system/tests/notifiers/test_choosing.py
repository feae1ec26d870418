from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec import json

from shared_events.types import Action
from signal_system.notifiers.choosing import Choice
from signal_system.notifiers.notice import Said
from signal_system.notifiers.receivers import Receiver

AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Past:
    """What signals said before."""

    actions: dict[str, Action] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, said: Said) -> Action | None:
        self.asked.append(said.coin)
        return self.actions.get(said.coin)


def signal(action: str, position: int, coin: str = "BTC") -> bytes:
    said = {
        "coin": coin,
        "horizon_seconds": 14_400,
        "action": action,
        "confidence": 0.5,
        "calibrated": False,
        "as_of": AT,
        "journal_position": position,
        "voters": 3,
    }
    return json.encode({"id": f"{coin}-{position}", "type": "signals", "data": said})


def ids(choice: Choice, *raws: bytes) -> list[str]:
    return [notice.id for notice in map(choice.of, raws) if notice is not None]


def test_a_signal_is_told_when_it_turns_and_not_while_it_lasts() -> None:
    choice = Choice(Receiver(), Past({"BTC": "BUY"}))

    told = ids(
        choice,
        signal("BUY", 1),
        signal("SELL", 2),
        signal("SELL", 3),
        signal("NEUTRAL", 4),
        signal("BUY", 5),
    )

    assert told == ["BTC-2", "BTC-4", "BTC-5"]


def test_the_first_opinion_on_a_coin_is_told_and_having_none_is_not() -> None:
    assert ids(Choice(Receiver(), Past()), signal("BUY", 1)) == ["BTC-1"]
    assert ids(Choice(Receiver(), Past()), signal("NEUTRAL", 1)) == []


def test_the_past_is_asked_for_once_and_again_only_for_what_is_read_again() -> None:
    past = Past({"BTC": "NEUTRAL"})
    choice = Choice(Receiver(), past)

    first = ids(choice, signal("BUY", 7), signal("BUY", 8))
    again = ids(choice, signal("BUY", 7), signal("BUY", 8))

    assert first == again == ["BTC-7"]
    assert past.asked == ["BTC", "BTC"]


def test_everything_else_that_is_issued_is_passed_over() -> None:
    other = json.encode({"id": "1", "type": "outcomes", "data": {"signal_id": "2"}})

    assert Choice(Receiver(), Past()).of(other) is None


def test_an_alert_is_told_with_its_payload_as_it_went_to_the_bus() -> None:
    data = {"rule": "large_open", "severity": "HIGH", "message": "a whale", "at": AT, "coin": "ETH"}
    notice = Choice(Receiver(), Past()).of(
        json.encode({"id": "a", "type": "whale_alerts", "data": {**data, "notional": "1e6"}})
    )

    assert notice is not None
    assert notice.text == "HIGH large_open (ETH): a whale"
    assert json.decode(notice.body())["data"]["notional"] == "1e6"
