import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from signal_system.notifiers.targets import (
    PublicResolver,
    TargetRefusedError,
    is_public,
    require_public,
)

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2002:101:101::",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "64:ff9b::a9fe:a9fe",
    "2001:db8::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%1",
    "ff02::1",
]


class Names(AbstractResolver):
    """Resolves every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self._addresses
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111"])
def test_the_open_internet_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254"])
def test_a_url_that_names_an_address_inside_is_refused(host: str) -> None:
    with pytest.raises(TargetRefusedError, match="no public address"):
        require_public(URL(f"https://{host}/"))


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_with_one_address_inside_is_refused_whatever_else_it_has(address: str) -> None:
    with pytest.raises(TargetRefusedError, match="allow_private"):
        await PublicResolver(Names("1.1.1.1", address)).resolve("evil.example")


async def test_a_name_with_public_addresses_resolves_to_them() -> None:
    found = await PublicResolver(Names("1.1.1.1", "2606:4700::1111")).resolve("good.example", 443)

    assert [each["host"] for each in found] == ["1.1.1.1", "2606:4700::1111"]


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "017700000001"])
async def test_no_other_way_of_writing_loopback_gets_there(host: str) -> None:
    connector = aiohttp.TCPConnector(resolver=PublicResolver(), use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises((TargetRefusedError, aiohttp.InvalidURL)):
            await session.get(f"http://{host}:9/")
