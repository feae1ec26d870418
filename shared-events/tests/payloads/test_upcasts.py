from pathlib import Path

import msgspec
import pytest

from shared_events.codec import decode
from shared_events.errors import DecodeError

PUBLISHED = (Path(__file__).parents[1] / "golden" / "whale_alerts.v1.json").read_bytes()


@pytest.mark.parametrize(
    ("said", "means"),
    [("info", "LOW"), ("notable", "MEDIUM"), ("major", "HIGH"), ("critical", "CRITICAL")],
)
def test_the_severity_of_an_old_alert_is_told_in_todays_words(said: str, means: str) -> None:
    alert = decode(PUBLISHED.replace(b'"major"', f'"{said}"'.encode())).data

    assert (alert.severity, alert.rule, alert.supersedes) == (means, "flip", "a91c01")


@pytest.mark.parametrize("severity", [b'"HUGE"', b"3", b"null"])
def test_an_old_alert_of_no_severity_that_ever_was_is_malformed(severity: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(PUBLISHED.replace(b'"major"', severity))


def test_an_old_alert_without_severity_is_malformed() -> None:
    event = msgspec.json.decode(PUBLISHED)
    del event["data"]["severity"]

    with pytest.raises(DecodeError, match="severity"):
        decode(msgspec.json.encode(event))
