"""Pages of a service on this machine: good ones, bad ones, and ones that lead astray."""

from collections.abc import AsyncIterator

import pytest

from market_scraper.connectors.web import (
    USER_AGENT,
    PublicResolver,
    Web,
    is_public,
    refusal,
    web_session,
)
from market_scraper.errors import RateLimitedError, SourceUnavailableError, WireFormatError
from market_scraper.testing.foreign import Answer, Foreign


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with web_session(allow_private=True) as http:
        yield Web(http, allow_private=True)


async def test_a_page_is_read_and_we_say_who_we_are(web: Web, foreign: Foreign) -> None:
    foreign.answers["/page"] = [Answer(b'{"a": 1}')]

    assert await web.read(f"{foreign.url}/page?day=1") == b'{"a": 1}'

    [asked] = foreign.asked
    assert asked.query == {"day": "1"}
    assert asked.headers["User-Agent"] == USER_AGENT


async def test_what_did_not_change_is_not_sent_again(web: Web, foreign: Foreign) -> None:
    tags = {"ETag": '"one"', "Last-Modified": "Wed, 01 Jan 2026 00:00:00 GMT"}
    foreign.answers["/page"] = [Answer(b"1", headers=tags), Answer(status=304), Answer(b"2")]

    read = [await web.read(f"{foreign.url}/page") for _ in range(3)]

    assert read == [b"1", None, b"2"]
    asked = [
        (a.headers.get("If-None-Match"), a.headers.get("If-Modified-Since")) for a in foreign.asked
    ]
    assert asked == [
        (None, None),
        ('"one"', tags["Last-Modified"]),
        ('"one"', tags["Last-Modified"]),
    ]


async def test_the_same_bytes_are_no_news_even_if_nobody_says_so(
    web: Web, foreign: Foreign
) -> None:
    foreign.answers["/page"] = [Answer(b"1"), Answer(b"1"), Answer(b"2")]

    assert [await web.read(f"{foreign.url}/page") for _ in range(3)] == [b"1", None, b"2"]


@pytest.mark.parametrize(
    ("answer", "error", "wait"),
    [
        (Answer(status=429, headers={"Retry-After": "7"}), RateLimitedError, 7.0),
        (Answer(status=429, headers={"Retry-After": "Wed, 21 Oct 2026"}), RateLimitedError, None),
        (Answer(status=418, headers={"Retry-After": "99999999"}), RateLimitedError, 604_800.0),
        (Answer(b"<html>bad gateway</html>", status=502), SourceUnavailableError, None),
        (Answer(b" null\n"), SourceUnavailableError, None),
        (Answer(b"0123456789", trouble="break off"), SourceUnavailableError, None),
    ],
)
async def test_trouble_that_passes_is_told_apart(
    web: Web,
    foreign: Foreign,
    answer: Answer,
    error: type[SourceUnavailableError],
    wait: float | None,
) -> None:
    foreign.answers["/page"] = [answer]

    with pytest.raises(error) as raised:
        await web.read(f"{foreign.url}/page")
    assert raised.value.retry_after == wait


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=404),
        Answer(status=451),
        Answer(status=301, headers={"Location": "ftp://elsewhere/page"}),
        Answer(status=302, headers={"Location": "/page"}),
    ],
)
async def test_what_will_stay_wrong_is_told_apart(
    web: Web, foreign: Foreign, answer: Answer
) -> None:
    foreign.answers["/page"] = [answer]

    with pytest.raises(WireFormatError):
        await web.read(f"{foreign.url}/page")


async def test_a_redirect_is_followed(web: Web, foreign: Foreign) -> None:
    foreign.answers["/old"] = [Answer(status=301, headers={"Location": "/new?x=1"})]
    foreign.answers["/new"] = [Answer(b"here")]

    assert await web.read(f"{foreign.url}/old") == b"here"


async def test_an_answer_that_never_ends_is_not_taken(
    web: Web, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market_scraper.connectors.web.MOST_BYTES", 10)
    foreign.answers["/page"] = [Answer(b"0" * 11)]

    with pytest.raises(WireFormatError, match="too long"):
        await web.read(f"{foreign.url}/page")


async def test_who_never_answers_is_given_up(foreign: Foreign) -> None:
    foreign.answers["/page"] = [Answer(trouble="hang")]
    async with web_session(allow_private=True, patience_seconds=0.05) as http:
        with pytest.raises(SourceUnavailableError, match=r"127\.0\.0\.1"):
            await Web(http, allow_private=True).read(f"{foreign.url}/page")


async def test_nobody_leads_us_into_our_own_network(foreign: Foreign) -> None:
    foreign.answers["/page"] = [Answer(b"secret")]
    async with web_session(allow_private=False) as http:
        web = Web(http, allow_private=False)
        for url in (foreign.url, foreign.url.replace("http", "https"), "https://localhost/"):
            with pytest.raises(WireFormatError, match=r"https|private"):
                await web.read(url)
        with pytest.raises(OSError, match="private"):
            await PublicResolver().resolve("localhost", 80)
    assert foreign.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "[fe80::1%eth0]",
        "::ffff:192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",
    ],
)
def test_addresses_of_our_own_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://api.example.org/v1", None),
        ("http://api.example.org/v1", "is not https"),
        ("https://", "names no host"),
        ("file:///etc/passwd", "names no host"),
        ("https://192.168.1.1/", "is inside a private network"),
    ],
)
def test_only_public_places_with_encryption_are_read(url: str, reason: str | None) -> None:
    assert refusal(url, allow_private=False) == reason
