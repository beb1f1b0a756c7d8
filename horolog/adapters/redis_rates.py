"""Rate limits that all processes share, in Redis.

Guarantee: either all demands of a call are granted, or none takes anything; one script decides, by the clock of
Redis. While Redis does not answer, each process goes by buckets of its own with half of each rate, so that two
processes together grant what one would; no call waits for Redis longer than `answer_s_max`.
"""

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from horolog.adapters.local_rates import LocalRates
from horolog.domain.rates import Demand, Grant, grant

PREFIX = "horolog:rate:"
ANSWER_S_MAX = 0.1
MUTED_S = 2.0
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local lags, allowed = {}, true
for i, key in ipairs(KEYS) do
  lags[i] = math.max(0, tonumber(redis.call('GET', key) or 0) - now)
  allowed = allowed and lags[i] + ARGV[2 * i - 1] <= ARGV[2 * i] + 0.000001
end
local told = {}
for i, key in ipairs(KEYS) do
  told[i] = string.format('%.6f', lags[i])
  local after = lags[i] + ARGV[2 * i - 1]
  if allowed then redis.call('SET', key, string.format('%.6f', now + after), 'PX', math.ceil(after * 1000) + 1) end
end
return told
"""
"""For each key: the seconds that the demand takes, and the lag of an empty bucket. Tells the lags before."""


class RedisRates:
    """Buckets in Redis, and some in memory for the time without it."""

    def __init__(self, url: str, local: LocalRates, answer_s_max: float = ANSWER_S_MAX) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=answer_s_max, health_check_interval=10)
        self._answer_s_max = answer_s_max
        self._script = self._redis.register_script(_SCRIPT)
        self._local = local
        self._muted_until = 0.0

    async def take(self, demands: Sequence[Demand]) -> Sequence[Grant]:
        """What the buckets say."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._muted_until:
            try:
                async with asyncio.timeout(self._answer_s_max):
                    return await self._shared(demands)
            except (RedisError, OSError, TimeoutError):
                self._muted_until = loop.time() + MUTED_S
        return self._local.take_now([Demand(one.key, one.rate.halved(), one.count) for one in demands])

    async def close(self) -> None:
        """Release the connections."""
        await self._redis.aclose()

    async def _shared(self, demands: Sequence[Demand]) -> Sequence[Grant]:
        keys = [PREFIX + demand.key for demand in demands]
        seconds = [(one.count * one.rate.interval_s, one.rate.lag_s_max) for one in demands]
        lags = await self._script(keys=keys, args=[number for pair in seconds for number in pair])
        return [grant(demand, float(lag)) for demand, lag in zip(demands, lags, strict=True)]
