"""One JSON line per decision on stdout; the same, readable, on a terminal. Secrets stay out."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from pydantic import SecretBytes, SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from shared_events.errors import ConfigError

HIDDEN = "***"
_SECRET_NAMES = ("authorization", "cookie", "credential", "key", "password", "secret", "token")
_USER_INFO = re.compile(r"(?<=://)[^/\s]*@")


def configure(service: str, level: str = "info", *, pretty: bool | None = None) -> None:
    """Send this process's logs, those of libraries included, to stdout.

    Parameters
    ----------
    service
        The name every line carries.
    level
        The least severity that is written: debug, info, warning, error or critical.
    pretty
        True for people, False for machines, None to look whether stdout is a terminal.

    Raises
    ------
    ConfigError
        If there is no such level.
    """
    threshold = logging.getLevelNamesMapping().get(level.upper())
    if threshold is None:
        raise ConfigError(f"there is no log level {level!r}: set debug, info, warning or error")
    renderer = _for_people() if pretty or (pretty is None and sys.stdout.isatty()) else _AS_JSON
    shared = _common(service)
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    _route_libraries(threshold, [structlog.stdlib.add_logger_name, *shared], renderer)


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Hide secrets: by type, by the name they are logged under, and inside URLs.

    Examples
    --------
    >>> redact(None, "info", {"api_key": "abc", "url": "redis://me:pw@host/0"})
    {'api_key': '***', 'url': 'redis://***@host/0'}
    """
    for name, value in event_dict.items():
        event_dict[name] = _redacted(name, value)
    return event_dict


def _redacted(name: object, value: Any) -> Any:
    told_by_name = _is_secret(name) and not (value is None or isinstance(value, bool))
    if told_by_name or isinstance(value, SecretStr | SecretBytes):
        return HIDDEN
    if isinstance(value, str | BaseException):
        return _USER_INFO.sub(f"{HIDDEN}@", str(value))
    if isinstance(value, Mapping):
        return {key: _redacted(key, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", inner) for inner in value]
    return value


def _is_secret(name: object) -> bool:
    return isinstance(name, str) and name.lower().endswith(_SECRET_NAMES)


def _common(service: str) -> list[Processor]:
    def name_service(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        return {
            "timestamp": event_dict.pop("timestamp", None),
            "level": event_dict.pop("level", None),
            "service": service,
            "event": event_dict.pop("event", None),
            **event_dict,
        }

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Plain text: the structured and the rich renderer would print local variables.
        structlog.processors.format_exc_info,
        redact,
        name_service,
    ]


def _json(document: Any, **_: Any) -> str:
    try:
        return orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # an integer beyond 64 bits, a lone surrogate
        return json.dumps(document, default=str)


_AS_JSON: list[Processor] = [structlog.processors.JSONRenderer(serializer=_json)]


def _for_people() -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _route_libraries(threshold: int, shared: list[Processor], renderer: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
    logging.captureWarnings(capture=True)
