from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from signal_system.notifiers.signing import SIGNATURE, TIMESTAMP, headers, is_authentic

AT = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.text(min_size=1, max_size=40), st.binary(max_size=200))
def test_what_is_signed_is_authentic_and_nothing_else_is(secret: str, body: bytes) -> None:
    told = headers(secret, "id", AT, body)

    assert is_authentic(secret, told, body, AT)
    assert not is_authentic(secret + "x", told, body, AT)
    assert not is_authentic(secret, told, body + b" ", AT)
    assert not is_authentic(secret, {**told, TIMESTAMP: str(int(told[TIMESTAMP]) + 1)}, body, AT)
    assert not is_authentic(secret, {**told, SIGNATURE: "ü"}, body, AT)
    assert not is_authentic(secret, {}, body, AT)


def test_what_is_old_is_not_authentic_any_more() -> None:
    told = headers("secret", "id", AT, b"{}")

    assert is_authentic("secret", told, b"{}", AT + timedelta(minutes=5))
    assert not is_authentic("secret", told, b"{}", AT + timedelta(minutes=5, seconds=1))
