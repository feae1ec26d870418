from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from shared_events.errors import ConfigError
from shared_events.payloads.decisions import Severity
from signal_system.notifiers.notice import Alert, Said
from signal_system.notifiers.receivers import QuietHours, Receiver, Receivers, read_receivers

AT = datetime(2026, 1, 1, tzinfo=UTC)


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "receivers.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def alert(rule: str = "large_open", severity: Severity = "HIGH", coin: str | None = "BTC") -> Alert:
    return Alert(rule, severity, "", AT, coin)


def said(coin: str = "BTC", horizon: int = 14_400) -> Said:
    return Said(coin, horizon, "BUY", 0.5, calibrated=False, as_of=AT, journal_position=1)


def test_a_file_names_everybody_and_shows_no_secret(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        webhooks:
          bot: {url: "https://bot.example/hook?token=hidden-1", secret: hidden-2-hidden-2}
        chats:
          phone:
            url: "tgram://hidden-3/1"
            coins: [BTC]
            quiet: {start: "22:00", end: "07:00", zone: Europe/Berlin}
        """,
    )

    found = read_receivers(path)

    assert set(found.webhooks) == {"bot"}
    assert found.chats["phone"].quiet == QuietHours(
        start=time(22), end=time(7), zone="Europe/Berlin"
    )
    assert "hidden" not in repr(found) + found.model_dump_json()


def test_without_a_file_nobody_is_told() -> None:
    assert read_receivers(None) == Receivers()


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("webhooks: {bot: {url: 'http://hidden.example', secret: hidden-hidden-hidden}}", "https"),
        ("webhooks: {bot: {url: 'https://hidden.example', secret: hidden}}", "secret"),
        ("webhooks: {bot: {url: 'https://hidden.example', sceret: hidden}}", "bot"),
        ("chats: {a: {url: 'json://x', rules: [no_such_rule]}}", "large_open"),
        ("chats: {a: {url: 'json://x', quiet: {start: 22:00, end: '07:00'}}}", "quotes"),
        ("chats: {a: {url: x, quiet: {start: '22:00', end: '7:00', zone: Mars}}}", "chats.a"),
        (
            "chats: {a: {url: 'json://x'}}\nwebhooks: {a: {url: 'https://x', secret: hidden-hidden-hidden}}",
            "rename",
        ),
        ("chats: {a: {url: 'hidden", "line"),
        ("- hidden", "receivers.yaml"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place_and_without_secrets(
    tmp_path: Path, text: str, advice: str
) -> None:
    with pytest.raises(ConfigError, match="SIGNAL_SYSTEM_RECEIVERS_FILE") as refused:
        read_receivers(written(tmp_path, text))

    assert advice in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_file_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chmod o-r"):
        read_receivers(written(tmp_path, "webhooks: {}", 0o644))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_receivers(tmp_path / "none.yaml")


def test_what_is_not_named_is_not_filtered() -> None:
    assert Receiver().wants_alert(alert(coin=None, severity="LOW"))
    assert Receiver().follows(said())
    assert not Receiver().follows(said(horizon=3_600))


def test_filters_hold_back_what_they_name() -> None:
    picky = Receiver(
        coins=frozenset({"BTC"}),
        rules=frozenset({"large_open"}),
        least_severity="HIGH",
        turns=False,
    )

    assert picky.wants_alert(alert())
    assert picky.wants_alert(alert(coin=None))
    assert not picky.wants_alert(alert(coin="ETH"))
    assert not picky.wants_alert(alert(rule="large_close"))
    assert not picky.wants_alert(alert(severity="MEDIUM"))
    assert not picky.follows(said())
    assert not Receiver(coins=frozenset({"BTC"})).follows(said("ETH"))


@pytest.mark.parametrize(
    ("clock", "quiet"),
    [("20:59", False), ("21:00", True), ("23:30", True), ("05:59", True), ("06:00", False)],
)
def test_quiet_hours_pass_midnight_in_their_own_zone(clock: str, *, quiet: bool) -> None:
    nights = QuietHours(start=time(22), end=time(7), zone="Europe/Berlin")

    assert nights.cover(datetime.fromisoformat(f"2026-01-01T{clock}:00Z")) is quiet
