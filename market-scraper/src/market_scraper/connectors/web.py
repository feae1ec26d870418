"""Read other people's web services: politely, and never anything inside our own network."""

import socket
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from market_scraper.connectors.answers import body, said
from market_scraper.errors import SourceUnavailableError, WireFormatError

USER_AGENT = "market-scraper/0.1"
MOST_BYTES = 16 << 20
_CONNECTIONS = 8
_CONNECTIONS_A_HOST = 2
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304
_MOST_COPIES = 100


def web_session(*, allow_private: bool, patience_seconds: float = 60.0) -> aiohttp.ClientSession:
    """Return a client for foreign hosts; whoever makes it closes it.

    Parameters
    ----------
    allow_private
        Whether hosts inside private networks may be spoken to, this machine among them.
    patience_seconds
        How long a whole answer may take.
    """
    timeout = aiohttp.ClientTimeout(total=patience_seconds, connect=10, sock_read=30)
    resolver = ThreadedResolver() if allow_private else PublicResolver()
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS, limit_per_host=_CONNECTIONS_A_HOST, resolver=resolver
    )
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers={"User-Agent": USER_AGENT}
    )


class PublicResolver(ThreadedResolver):
    """Finds no host whose addresses all lie in private networks."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of `host`."""
        found = await super().resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise OSError(f"{host} is inside a private network")
        return public


def is_public(host: str) -> bool:
    """Tell whether `host` is, if it is an address, one that anybody on the internet can reach.

    Examples
    --------
    >>> is_public("8.8.8.8"), is_public("api.example.org"), is_public("127.0.0.1")
    (True, True, False)
    """
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return host != "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_global


def refusal(url: str, *, allow_private: bool) -> str | None:
    """Say why `url` must not be read, or return None."""
    parts = urlsplit(url)
    if not parts.hostname:
        return "names no host"
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        return "is not https"
    if not (allow_private or is_public(parts.hostname)):
        return "is inside a private network"
    return None


@dataclass(slots=True)
class _Copy:
    """What we remember of the last answer, to recognise it."""

    etag: str | None
    modified: str | None
    digest: bytes


class Web:
    """Reads pages, and says when one has not changed.

    Parameters
    ----------
    http
        From `web_session`.
    allow_private
        As there.
    """

    def __init__(self, http: aiohttp.ClientSession, *, allow_private: bool) -> None:
        self._http = http
        self._allow_private = allow_private
        self._copies: dict[str, _Copy] = {}

    async def read(self, url: str) -> bytes | None:
        """Return what `url` holds; None if that is what it held the last time.

        Raises
        ------
        RateLimitedError, SourceUnavailableError, WireFormatError
            As `answers.body`; also if a redirect leads to where we do not go.
        """
        what = urlsplit(url).hostname or url
        try:
            return await self._read(url, what)
        except (aiohttp.ClientError, TimeoutError) as e:
            raise SourceUnavailableError(f"no answer from {what!r}: {said(e)}") from e

    async def _read(self, url: str, what: str) -> bytes | None:
        place = url
        for _ in range(_MOST_REDIRECTS + 1):
            if reason := refusal(place, allow_private=self._allow_private):
                raise WireFormatError(f"{place[:200]!r} {reason}: it was not read")
            async with self._http.get(
                place, headers=self._condition(url), allow_redirects=False
            ) as response:
                if response.status in _REDIRECTS:
                    place = urljoin(place, response.headers.get("Location", ""))
                    continue
                if response.status == _NOT_MODIFIED:
                    return None
                return self._news(url, response, await body(response, what, MOST_BYTES))
        raise WireFormatError(f"{what!r} sends us from one place to the next")

    def _condition(self, url: str) -> dict[str, str]:
        copy = self._copies.get(url)
        asked = {"If-None-Match": copy and copy.etag, "If-Modified-Since": copy and copy.modified}
        return {name: value for name, value in asked.items() if value}

    def _news(self, url: str, response: aiohttp.ClientResponse, read: bytes) -> bytes | None:
        before, digest = self._copies.get(url), blake2b(read, digest_size=16).digest()
        self._copies[url] = _Copy(
            response.headers.get("ETag"), response.headers.get("Last-Modified"), digest
        )
        while len(self._copies) > _MOST_COPIES:
            del self._copies[next(iter(self._copies))]
        return None if before and before.digest == digest else read
