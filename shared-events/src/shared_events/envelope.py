"""The one shape every event has: a payload inside an envelope that speaks CloudEvents.

Attribute names follow CloudEvents 1.0 (``id``, ``source``, ``type``, ``subject``, ``time``,
``data``); ``version``, ``recorded_at``, the two trace ids and ``tenant`` are extensions.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from msgspec import Meta, Struct
from pydantic import BaseModel, ConfigDict

Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


@runtime_checkable
class Fact(Protocol):
    """What an envelope carries: a pydantic `Payload`, or the msgspec struct of a hot type."""

    event_type: ClassVar[str]
    event_version: ClassVar[int]

    @property
    def subject(self) -> str:
        """What the fact is about; first deliveries of one subject keep their order."""
        ...

    @property
    def identity(self) -> str:
        """What tells this fact from every other one of the same type and subject."""
        ...


class Part(BaseModel):
    """A value inside a payload.

    Building one forbids unknown fields; decoding one ignores them (see `codec`), so that a new
    optional field never breaks a running consumer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class Payload(Part):
    """A fact in the past tense; subclasses set the class variables and the two properties."""

    event_type: ClassVar[str]
    event_version: ClassVar[int] = 1

    @property
    def subject(self) -> str:
        """What the fact is about."""
        raise NotImplementedError

    @property
    def identity(self) -> str:
        """What tells this fact from every other one of the same type and subject."""
        raise NotImplementedError


P = TypeVar("P")


class StandardEvent(Struct, Generic[P], frozen=True, kw_only=True):
    """A fact with what is needed to route, order, trace and deduplicate it.

    ``time`` is when it happened at the venue, ``recorded_at`` when we learned of it: a decision may
    use only what was recorded before it.
    """

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    source: Name
    type: Name
    version: Annotated[int, Meta(ge=1)]
    subject: Name
    time: Moment
    recorded_at: Moment
    correlation_id: Annotated[str, Meta(max_length=64)]
    causation_id: Annotated[str, Meta(max_length=64)] | None = None
    tenant: Name = "public"
    data: P


def event(
    data: Any,
    *,
    source: str,
    time: datetime,
    recorded_at: datetime,
    cause: StandardEvent[Any] | None = None,
    tenant: str = "public",
) -> StandardEvent[Any]:
    """Put the fact `data` in an envelope whose id depends only on what the fact is.

    Learning the same fact twice (a retry, a replay, REST beside websocket) gives the same id.
    """
    fact_id = event_id(data, tenant)
    return StandardEvent(
        id=fact_id,
        source=source,
        type=data.event_type,
        version=data.event_version,
        subject=data.subject,
        time=time,
        recorded_at=recorded_at,
        correlation_id=cause.correlation_id if cause else fact_id,
        causation_id=cause.id if cause else None,
        tenant=tenant,
        data=data,
    )


def event_id(data: Fact, tenant: str = "public") -> str:
    """Return the 32 hexadecimal digits that name the fact `data`."""
    key = f"{tenant}|{data.event_type}|{data.subject}|{data.identity}"
    return blake2b(key.encode(), digest_size=16).hexdigest()
