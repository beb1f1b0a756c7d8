"""Whether and when a failed attempt is tried again.

A job without a retry config is not retried. The delay before attempt n+1 is `retryDelayMs × 2^(n-1)` with
exponential back-off, `retryDelayMs` without, never above `maxRetryDelayMs` (or a day).
"""

from datetime import datetime, timedelta

from schemas.events.executions import Failure
from schemas.jobs import RETRIED_BY_DEFAULT, RetryConfig

DELAY_MS_MAX = 86_400_000


def delay_ms(config: RetryConfig, failed_attempt: int) -> int:
    """How long to wait after the failure of attempt number `failed_attempt` (from 1)."""
    ceiling = DELAY_MS_MAX if config.max_retry_delay_ms is None else config.max_retry_delay_ms
    # Past 2^40 the ceiling holds in any case; the bound keeps the number small.
    factor = 1 << min(failed_attempt - 1, 40) if config.exponential_backoff else 1
    return min(config.retry_delay_ms * factor, ceiling)


def retries(config: RetryConfig, failure: Failure) -> bool:
    """Whether this kind of failure is retried; the job's own rule about it comes first."""
    if failure.retryable is not None:
        return failure.retryable
    wanted = RETRIED_BY_DEFAULT if config.retry_on_error_types is None else config.retry_on_error_types
    return failure.type in wanted


def retry_at(config: RetryConfig | None, failure: Failure, failed_attempt: int, now: datetime) -> datetime | None:
    """When to try again after attempt `failed_attempt`, or None when that was the last one."""
    if config is None or failed_attempt > config.max_retries or not retries(config, failure):
        return None
    return now + timedelta(milliseconds=delay_ms(config, failed_attempt))
