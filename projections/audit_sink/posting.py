"""One request to the audit service: a batch, signed, and what the answer means.

Guarantee: it ends within its time, whatever the service does. No redirection is followed, no proxy of the environment
used, and nothing of an answer but its status and `Retry-After` is kept or told to anybody.
"""

import asyncio

import httpx

from horolog.domain.signing import signed
from horolog.limits import AUDIT_SINK_ANSWER_BYTES_MAX
from horolog.ports import Clock
from projections.audit_sink.batching import Batch
from projections.audit_sink.pacing import TIMED_OUT, UNREACHABLE, Answer, Verdict, retry_after_s, verdict_of
from projections.audit_sink.settings import SinkSettings


class Post:
    """Sends batches through one client."""

    def __init__(self, http: httpx.AsyncClient, settings: SinkSettings, clock: Clock) -> None:
        self._http = http
        self._settings = settings
        self._clock = clock

    async def __call__(self, batch: Batch) -> Answer:
        """Send the batch."""
        try:
            async with asyncio.timeout(self._settings.answer_s_max):
                return await self._exchange(batch)
        except (httpx.TimeoutException, TimeoutError):
            return Answer(Verdict.LATER, TIMED_OUT)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return Answer(Verdict.LATER, UNREACHABLE)

    async def _exchange(self, batch: Batch) -> Answer:
        headers = {
            "content-type": "application/json",
            "user-agent": "horolog",
            "idempotency-key": batch.id,
            **signed(self._settings.secrets, batch.id, self._clock.now(), batch.body),
        }
        async with self._http.stream("POST", self._settings.url, content=batch.body, headers=headers) as answer:
            size = 0
            async for part in answer.aiter_raw():
                size += len(part)
                if size > AUDIT_SINK_ANSWER_BYTES_MAX:
                    break
        asked = retry_after_s(answer.headers.get("retry-after"), self._clock.now())
        return Answer(verdict_of(answer.status_code), str(answer.status_code), asked)
