"""Where a webhook may lead: no address inside the machine or its network, whatever a name says.

A name is resolved once for each connection, every address is judged, and the connection goes to an
address that was judged: an answer that changes in between (DNS rebinding) gains nothing.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from shared_events.errors import TransientError

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: the last four bytes are the IPv4 address that is reached (RFC 6052)."""

_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo, which end at an IPv4 address of somebody's choice; nobody serves from there."""

_IPV4_BITS = 0xFFFF_FFFF


class TargetRefusedError(TransientError):
    """A webhook leads to where none may; another answer of the name server may be better."""


def is_public(address: str) -> bool:
    """Tell whether `address` lies in the open internet, seen through every way of embedding IPv4.

    Examples
    --------
    >>> [is_public(each) for each in ("1.1.1.1", "10.0.0.1", "::ffff:127.0.0.1", "fe80::1%eth0")]
    [True, False, False, False]
    """
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return _is_open(ip)
    is_tunnel = any(ip in each for each in _TUNNELS)
    return _is_open(ip) and not is_tunnel and all(map(_is_open, _embedded(ip)))


def require_public(url: URL) -> None:
    """Return unless `url` names a forbidden address itself; the connector looks up names alone.

    Raises
    ------
    TargetRefusedError
        If it does.
    """
    try:
        ip_address(url.host or "")
    except ValueError:
        return
    _require(url.host or "", url.host or "")


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses, and refuses a name with any other among its addresses."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host`, all of them judged."""
        found = await self._inner.resolve(host, port, family)
        for each in found:
            _require(each["host"], host)
        return found

    async def close(self) -> None:
        """Let go of the resolver behind it."""
        await self._inner.close()


def _require(address: str, host: str) -> None:
    if not is_public(address):
        raise TargetRefusedError(
            f"{host!r} leads to {address}, which is no public address: set allow_private for this"
            " webhook if that is meant"
        )


def _is_open(ip: IPv4Address | IPv6Address) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _embedded(ip: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 address that packets to `ip` end up at, if that is any."""
    if ip in _TRANSLATED:
        return [IPv4Address(int(ip) & _IPV4_BITS)]
    return [ip.ipv4_mapped] if ip.ipv4_mapped else []
