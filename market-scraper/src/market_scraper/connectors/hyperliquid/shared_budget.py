"""One weight budget for all processes that speak to the venue from one address, kept in Redis.

A window of seconds, not a bucket of tokens: a bucket that never lets more than the limit through in any minute
must give up as much of its rate as it may hold. The script runs in Redis' own time, so clocks need not
agree, and it counts by urgency, so that what is urgent in one process goes before what is not in another.
"""

from dataclasses import dataclass

import structlog

from shared_events.bus.redis_link import RedisLink
from shared_events.errors import BusUnavailableError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_LONGEST_WAIT_SECONDS = 1.0
_AWAY_SECONDS = 5.0
_SPENT, _WAITING, _HELD = "spent", "waiting", "held"


_COMMON = """
local t = redis.call('TIME')
local second = tonumber(t[1])
local ms = second * 1000 + math.floor(tonumber(t[2]) / 1000)
"""

_TAKE = (
    _COMMON
    + """
local weight, limit, ceiling, floor = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local urgency, marked = tonumber(ARGV[5]), tonumber(ARGV[6])
local held = redis.call('PTTL', KEYS[3])
local spent, total, own, seconds = redis.call('HGETALL', KEYS[1]), 0, 0, {}
for i = 1, #spent, 2 do
  local at, of = string.match(spent[i], '(%d+)|(%d+)')
  at = tonumber(at)
  if at < second - 60 then
    redis.call('HDEL', KEYS[1], spent[i])
  else
    local each = tonumber(spent[i + 1])
    total = total + each
    if tonumber(of) == urgency then own = own + each end
    seconds[#seconds + 1] = {at, each}
  end
end
if held > 0 then return {0, held, total} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, ms)
local first = true
for _, other in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if tonumber(other) < urgency then first = false end
end
weight = math.min(weight, limit)
local guaranteed = own == 0 or own + weight <= floor
local fits = total + weight <= limit
  and ((guaranteed and floor > 0) or (first and total + weight <= math.max(ceiling, weight)))
if fits then
  local field = second .. '|' .. urgency
  redis.call('HINCRBY', KEYS[1], field, weight)
  redis.call('PEXPIRE', KEYS[1], 120000)
  redis.call('ZREM', KEYS[2], urgency)
  return {second, 0, total + weight}
end
redis.call('ZADD', KEYS[2], ms + marked, urgency)
redis.call('PEXPIRE', KEYS[2], 120000)
if total + weight <= ceiling then return {0, 50, total} end
table.sort(seconds, function(a, b) return a[1] < b[1] end)
local excess, wait = total + weight - ceiling, 50
for _, entry in ipairs(seconds) do
  if excess <= 0 then break end
  excess = excess - entry[2]
  wait = (entry[1] + 61) * 1000 - ms
end
return {0, math.max(wait, 50), total}
"""
)

_SETTLE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
end
"""

_HOLD = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What was reserved, and in which of Redis' seconds."""

    field: str
    weight: int


class SharedBudget:
    """What all processes may spend in any minute.

    While Redis is away nobody knows what the others spend: `away` says so, and nothing is asked of
    it for some seconds.

    Parameters
    ----------
    link
        Whoever made it closes it.
    venue
        Whose budget it is: requests to another venue do not count.
    limit
        The weight of a minute; the same in all processes.
    clock
        Says when to look again for a Redis that was away.
    """

    def __init__(self, link: RedisLink, venue: str, limit: int, clock: Clock) -> None:
        self.limit = limit
        self._link = link
        self._clock = clock
        self._keys = {name: f"weight:{venue}:{name}" for name in (_SPENT, _WAITING, _HELD)}
        self._take = link.redis.register_script(_TAKE)
        self._settle = link.redis.register_script(_SETTLE)
        self._hold = link.redis.register_script(_HOLD)
        self._away_until: float | None = None
        self._spent = 0

    @property
    def away(self) -> bool:
        """Whether Redis did not answer the last time."""
        return self._away_until is not None

    @property
    def used_share(self) -> float:
        """How much of a minute's weight all processes had spent when this one last asked."""
        return self._spent / self.limit

    async def take(
        self, weight: int, urgency: int, *, ceiling: float, floor: float
    ) -> Grant | float | None:
        """Reserve `weight`, or return in how many seconds to ask again; None while Redis is away.

        Parameters
        ----------
        urgency
            Smaller goes first: while a smaller one waits, in any process, a greater one gets its
            `floor` alone.
        ceiling
            How much of the minute may be spent already, and by this.
        floor
            How much of it the urgency may have whoever waits.
        """
        if self._away_until is not None and self._now() < self._away_until:
            return None
        parts = [int(self.limit * share) for share in (1.0, ceiling, floor)]
        arguments = [weight, *parts, int(urgency), int(1_500 * _LONGEST_WAIT_SECONDS)]
        try:
            async with self._link.asking("share the request budget"):
                second, wait_ms, self._spent = await self._take([*self._keys.values()], arguments)
        except BusUnavailableError as e:
            self._lost(e)
            return None
        self._found()
        if second:
            return Grant(f"{second}|{int(urgency)}", min(weight, self.limit))
        return float(min(wait_ms / 1000, _LONGEST_WAIT_SECONDS))

    async def settle(self, grant: Grant, weight: int) -> None:
        """Correct what was reserved to what the request cost."""
        difference = weight - grant.weight
        if not difference or self.away:
            return
        try:
            async with self._link.asking("share the request budget"):
                await self._settle([self._keys[_SPENT]], [grant.field, difference])
        except BusUnavailableError as e:
            self._lost(e)

    async def hold(self, seconds: float) -> None:
        """Let no process spend anything for so long: the venue refused one of them."""
        if self.away:
            return
        try:
            async with self._link.asking("share the request budget"):
                await self._hold([self._keys[_HELD]], [max(int(seconds * 1000), 1)])
        except BusUnavailableError as e:
            self._lost(e)

    def _lost(self, error: BusUnavailableError) -> None:
        if self._away_until is None:
            log.warning("budget_not_shared", reason=str(error))
        self._away_until = self._now() + _AWAY_SECONDS

    def _found(self) -> None:
        if self._away_until is not None:
            self._away_until = None
            log.info("budget_shared_again")

    def _now(self) -> float:
        return self._clock.now().timestamp()
