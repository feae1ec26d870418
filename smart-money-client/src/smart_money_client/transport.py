"""Asks the service: once, and again after a while if the trouble may pass."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from smart_money_client.errors import (
    ContractError,
    RefusedError,
    ServiceUnavailableError,
    UnauthorizedError,
    UnknownCoinError,
)

M = TypeVar("M", bound=BaseModel)

_NOT_MODIFIED = 304
_FIRST_ERROR = 300  # the service never redirects; what does is not the service
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
_KINDS: Mapping[str, type[RefusedError]] = {
    "unauthorized": UnauthorizedError,
    "unknown_coin": UnknownCoinError,
}
_REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to ask again, and how long to wait in between.

    Parameters
    ----------
    attempts
        How many times to ask in all.
    first_wait
        Seconds before the second attempt; each later wait is twice as long, give or take a half.
    longest_wait
        No wait is longer, whatever the service asks for.
    """

    attempts: int = 4
    first_wait: float = 0.25
    longest_wait: float = 5.0

    def wait(self, failures: int, asked_for: float | None, draw: float) -> float:
        """Return the seconds to wait after `failures`, `draw` in [0, 1) spreading the callers.

        Examples
        --------
        >>> [Patience().wait(failures, None, 0.5) for failures in (1, 2, 3, 9)]
        [0.25, 0.5, 1.0, 5.0]
        >>> Patience().wait(1, 3.0, 0.5)
        3.0
        """
        grown = self.first_wait * 2.0 ** (failures - 1) * (0.5 + draw)
        return min(self.longest_wait, max(grown, asked_for or 0.0))


class _AwayError(Exception):
    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Transport:
    """GETs JSON; an answer that has not changed since is neither sent nor read again.

    Parameters
    ----------
    session
        Closed by whoever opened it.
    base_url
        Scheme, host and port of the service.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, patience: Patience) -> None:
        self._session = session
        self._base_url = base_url
        self._patience = patience
        self._seen: dict[str, tuple[str, Any]] = {}

    async def read(self, path: str, model: type[M]) -> M:
        """Return the answer to `path` as `model`.

        Raises
        ------
        SmartMoneyError
            One of its kinds; see `smart_money_client.errors`.
        """
        failures = 0
        while True:
            try:
                return await self._ask(path, model)
            except _AwayError as e:
                failures += 1
                if failures >= self._patience.attempts:
                    asked = "once" if failures == 1 else f"{failures} times"
                    raise ServiceUnavailableError(
                        f"{self._base_url} was asked {asked} and did not answer: {e}"
                    ) from e
                draw = random.random()  # noqa: S311 -- spreads callers, keeps no secret
                await asyncio.sleep(self._patience.wait(failures, e.retry_after, draw))

    async def _ask(self, path: str, model: type[M]) -> M:
        tag, known = self._seen.get(path, (None, None))
        headers = {} if tag is None else {"If-None-Match": tag}
        try:
            async with self._session.get(
                self._base_url + path, headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise _AwayError(str(e) or type(e).__name__) from e
        if response.status == _NOT_MODIFIED and isinstance(known, model):
            return known
        if response.status >= _FIRST_ERROR:
            raise _error(response.status, response.headers.get("Retry-After"), body)
        answer = _parsed(body, model.model_validate_json)
        self._remember(path, response.headers.get("ETag"), answer)
        return answer

    def _remember(self, path: str, tag: str | None, answer: BaseModel) -> None:
        if tag is None:
            return
        self._seen.pop(path, None)
        self._seen[path] = (tag, answer)
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]


class _Error(BaseModel):
    code: str
    message: str
    hint: str


class _ErrorDocument(BaseModel):
    error: _Error


def _error(status: int, retry_after: str | None, body: bytes) -> Exception:
    try:
        said = _ErrorDocument.model_validate_json(body).error
    except ValidationError:
        said = _Error(code="refused", message=f"The service answered {status}.", hint="")
    if status in _MAY_PASS:
        wait = float(retry_after) if retry_after and retry_after.isdecimal() else None
        return _AwayError(said.message, wait)
    return _KINDS.get(said.code, RefusedError)(
        status, said.code, f"{said.message} {said.hint}".strip()
    )


def _parsed(body: bytes, parse: Callable[[bytes], M]) -> M:
    try:
        return parse(body)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise ContractError(f"{where}: {first['msg']}; a newer client may understand it") from e
