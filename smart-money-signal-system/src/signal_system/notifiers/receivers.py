"""Who is told what: the YAML file that ``SIGNAL_SYSTEM_RECEIVERS_FILE`` names."""

from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from stat import S_IROTH
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from yarl import URL

from shared_events.errors import ConfigError
from shared_events.payloads.decisions import Severity
from signal_system.notifiers.notice import Alert, Said
from signal_system.whale_alerts.registry import RULES
from signal_system.whale_alerts.severity import rank

SETTING = "SIGNAL_SYSTEM_RECEIVERS_FILE"

_MOST = 50


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ValueError("name a time zone such as UTC or Europe/Berlin") from e
    return name


def _quoted(value: object) -> object:
    if isinstance(value, int):  # YAML reads 22:00 as the number 1320
        raise ValueError('put the time in quotes, as "22:00"')  # noqa: TRY004 -- pydantic's way
    return value


_TimeOfDay = Annotated[time, BeforeValidator(_quoted)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class QuietHours(_Part):
    """When nothing is told; what came meanwhile is told afterwards.

    Examples
    --------
    >>> nights = QuietHours(start=time(22), end=time(7), zone="UTC")
    >>> nights.cover(datetime.fromisoformat("2026-01-01T23:00:00Z"))
    True
    """

    start: _TimeOfDay
    end: _TimeOfDay
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"

    def cover(self, moment: datetime) -> bool:
        """Tell whether `moment` is within them; they may pass midnight."""
        local = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


class Receiver(_Part):
    """What somebody wants to hear of; what is not named is not filtered.

    Attributes
    ----------
    coins
        Signals and alerts of these alone; alerts that are about no coin pass.
    rules
        Alerts of these alone; an empty list is none.
    turns
        Whether to tell that a signal turned into another action.
    horizons_seconds
        Of which signals.
    attempts
        Failures in a row after which it is told nothing more until the next start.
    """

    coins: frozenset[str] | None = None
    rules: frozenset[str] | None = None
    least_severity: Severity = "LOW"
    turns: bool = True
    horizons_seconds: frozenset[int] = frozenset({14_400})
    attempts: Annotated[int, Field(ge=1, le=1_000)] = 30

    @field_validator("rules")
    @classmethod
    def _exist(cls, rules: frozenset[str] | None) -> frozenset[str] | None:
        known = {rule.name for rule in RULES}
        if rules is not None and (unknown := rules - known):
            raise ValueError(f"{sorted(unknown)} are no rules; there are {sorted(known)}")
        return rules

    def wants_alert(self, alert: Alert) -> bool:
        """Tell whether `alert` passes the filters."""
        return (
            (self.rules is None or alert.rule in self.rules)
            and (self.coins is None or alert.coin is None or alert.coin in self.coins)
            and rank(alert.severity) >= rank(self.least_severity)
        )

    def follows(self, said: Said) -> bool:
        """Tell whether turns of that signal are wanted."""
        return (
            self.turns
            and said.horizon_seconds in self.horizons_seconds
            and (self.coins is None or said.coin in self.coins)
        )


class WebhookReceiver(Receiver):
    """A program that is told by a signed request.

    Attributes
    ----------
    secret
        What requests are signed with; the receiver knows it too.
    allow_http, allow_private
        Whether it may be reached without TLS; inside this machine or its network.
    """

    url: SecretStr
    secret: Annotated[SecretStr, Field(min_length=16)]
    allow_http: bool = False
    allow_private: bool = False

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        url = URL(self.url.get_secret_value())
        schemes = ("https", "http") if self.allow_http else ("https",)
        if url.scheme not in schemes or not url.host:
            raise ValueError("url must begin with https:// (or http://, with allow_http)")
        return self


class ChatReceiver(Receiver):
    """People who are told through a chat or by e-mail.

    Attributes
    ----------
    url
        As Apprise writes them: ``tgram://token/chat``, ``discord://id/token``, ``mailto://...``.
    digest_seconds
        How long to collect before everything is told in one message.
    messages_per_minute
        More are not sent.
    """

    url: SecretStr
    quiet: QuietHours | None = None
    digest_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    messages_per_minute: Annotated[float, Field(gt=0, le=600)] = 20.0


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Receivers(_Part):
    """Everybody who is told something, by name."""

    webhooks: Annotated[Mapping[Name, WebhookReceiver], Field(max_length=_MOST)] = {}
    chats: Annotated[Mapping[Name, ChatReceiver], Field(max_length=_MOST)] = {}

    @model_validator(mode="after")
    def _are_named_once(self) -> Self:
        if twice := self.webhooks.keys() & self.chats.keys():
            raise ValueError(f"{sorted(twice)} name a webhook and a chat: rename one")
        return self


def read_receivers(path: Path | None) -> Receivers:
    """Return what the file at `path` says; nobody without one.

    Raises
    ------
    ConfigError
        If it makes no sense, or others may read the secrets in it; it shows none of them.
    """
    if path is None:
        return Receivers()
    try:
        if path.stat().st_mode & S_IROTH:
            raise ConfigError(f"{SETTING}: everybody may read {path}: chmod o-r {path}")
        return Receivers.model_validate(yaml.safe_load(path.read_bytes()) or {})
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{SETTING}: {path} cannot be read: {e}") from e
    except yaml.YAMLError as e:
        raise ConfigError(f"{SETTING}: {path} is no YAML{_place(e)}") from e
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(
            f"{SETTING}: in {path}, {where}: {first['msg'].removeprefix('Value error, ')}."
        ) from None


def _place(error: yaml.YAMLError) -> str:
    """Return where it is wrong; the words of the error would quote the line."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return "" if mark is None else f" at line {mark.line + 1}"
