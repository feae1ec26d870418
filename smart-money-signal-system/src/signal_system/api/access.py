"""Who may ask: loopback is open to this machine alone, everything else needs a key."""

from hmac import compare_digest
from ipaddress import ip_address
from typing import Annotated, Protocol, Self

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from shared_events.errors import ConfigError
from signal_system.api.errors import RefusedError

MIN_KEY_LENGTH = 16

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_bearer = HTTPBearer(auto_error=False, description="The service's `api_key`, if it has one.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


class ApiSettings(Protocol):
    """What the HTTP side must be told; the service's `Settings` satisfies it."""

    @property
    def api_host(self) -> str:
        """The address to listen on."""
        ...

    @property
    def api_port(self) -> int:
        """The port to listen on."""
        ...

    @property
    def api_key(self) -> SecretStr | None:
        """What callers must know; None admits everybody who reaches loopback."""
        ...


class Access:
    """Admits requests.

    Parameters
    ----------
    key
        What a caller must send as ``Authorization: Bearer``; None to ask for nothing.
    hosts
        The names a caller may know this service by; None for any. A page of another site that
        points its own name at 127.0.0.1 (DNS rebinding) does not know one of these.
    """

    def __init__(self, key: str | None, hosts: frozenset[str] | None) -> None:
        self._key = None if key is None else key.encode()
        self._hosts = hosts

    @classmethod
    def of(cls, settings: ApiSettings) -> Self:
        """Return what `settings` ask for.

        Raises
        ------
        ConfigError
            If the service would be open to a network without a key worth the name.
        """
        key = settings.api_key.get_secret_value() if settings.api_key else None
        if is_loopback(settings.api_host):
            return cls(key, _LOOPBACK_NAMES | {_name(settings.api_host)})
        if key is None or len(key) < MIN_KEY_LENGTH:
            raise ConfigError(
                f"api_host {settings.api_host!r} is reachable from the network: set "
                f"SIGNAL_SYSTEM_API_KEY to at least {MIN_KEY_LENGTH} characters, or set "
                f"SIGNAL_SYSTEM_API_HOST to 127.0.0.1"
            )
        return cls(key, None)

    def knows_host(self, host: str | None) -> bool:
        """Tell whether the Host header `host` names this service."""
        return self._hosts is None or (host is not None and _without_port(host) in self._hosts)

    async def require(self, credentials: Credentials) -> None:
        """Raise `RefusedError` unless the caller sent the key."""
        if self._key is None:
            return
        sent = credentials.credentials.encode() if credentials else b""
        if not compare_digest(sent, self._key):
            raise RefusedError(
                401,
                "unauthorized",
                "This service answers only to those who know its key.",
                "Send the header 'Authorization: Bearer <api_key>'.",
                {"WWW-Authenticate": "Bearer"},
            )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach `host`.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "box.lan")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return (
        name
        if colon and port.isdigit() and (":" not in name or name.endswith("]"))
        else host.lower()
    )
