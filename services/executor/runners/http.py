"""HTTP jobs: one request, no redirects, no proxies from the environment, to public addresses or allowed ones.

Guarantees: the answer is read up to `HTTP_BODY_READ_BYTES_MAX` and never decompressed, so that memory stays flat
whatever a server sends; stopping closes the connection, however slowly the server drips.

The request names its attempt: `Idempotency-Key` (the same for all attempts of an execution; IETF draft
idempotency-key-header), `Horolog-Execution-Id`, `Horolog-Attempt`, `Horolog-Scheduled-For`, `Horolog-Fencing-Token`.
Where there are traces, `traceparent` names the attempt's span (W3C Trace Context).
With `signWith` it is signed (`horolog.domain.signing`).

The result is the answer's body: JSON when it says so and fits, text otherwise. A status other than the expected one
fails: USER_ERROR, or SYSTEM_ERROR from 500 on. What went wrong before there was a status is a NETWORK_ERROR; where
it may not go, `horolog.runtime.egress` says.
"""

import asyncio
import base64
import ssl
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from urllib.parse import unquote_to_bytes

import httpx
from pydantic import JsonValue
from pydantic_core import to_json

from horolog.domain.addresses import DestinationForbidden, Network
from horolog.domain.signing import signed
from horolog.limits import HTTP_BODY_READ_BYTES_MAX
from horolog.ports import Clock
from horolog.runtime.egress import Resolve, Resolver, resolving_for
from schemas.events.workers import TaskAssigned
from schemas.jobs import ErrorType, HttpConfig
from services.executor.outcome import Outcome, failed, failure
from services.executor.pools import Pools
from services.executor.runner import Stop, Watcher
from services.executor.text import clean, kept_bytes_max, kept_text, parsed_json

HEADER_COUNT_MAX = 100
HEADER_LENGTH_MAX = 200

_DEFAULT_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "horolog"}


class HttpRunner:
    """Sends requests over pooled connections. `allowed` are networks to call besides the public ones.

    A task may name more of them; connections under different lists of networks are kept apart.

    The transport is used without httpx's client around it: that would keep one tenant's cookies and send them for
    another, and would judge deadlines by single reads instead of the whole exchange.
    """

    warmth = None

    def __init__(
        self,
        capacity: int,
        clock: Clock,
        allowed: Sequence[Network] = (),
        verify: ssl.SSLContext | bool = True,
        resolve: Resolve | None = None,
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._running: set[asyncio.Task[Outcome]] = set()
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
        self._resolver = Resolver()
        self._pools = Pools(resolve or self._resolver, allowed, context)

    @property
    def capacity(self) -> int:
        return self._capacity

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        run = asyncio.get_running_loop().create_task(self._exchange(task, watcher.traceparent))
        self._running.add(run)
        run.add_done_callback(partial(self._done, watcher))
        return lambda _: _cancel(run)

    async def close(self) -> None:
        for run in self._running:
            run.cancel()
        if self._running:
            await asyncio.wait(self._running)
        await self._pools.close()
        self._resolver.close()

    def _done(self, watcher: Watcher, run: asyncio.Task[Outcome]) -> None:
        self._running.discard(run)
        if run.cancelled():
            watcher.ended(failed(ErrorType.SYSTEM_ERROR, "STOPPED", "the request was given up"))
        elif (error := run.exception()) is not None:
            watcher.ended(failed(ErrorType.SYSTEM_ERROR, "RUNNER_ERROR", repr(error)))
        else:
            watcher.ended(run.result())

    async def _exchange(self, task: TaskAssigned, traceparent: str | None) -> Outcome:
        config = task.config
        if not isinstance(config, HttpConfig):
            raise TypeError("not an http task")
        try:
            async with self._pools.lent(task.http_allowed) as pool:
                request = _request_of(task, config, self._clock.now(), traceparent)
                with resolving_for(task.tenant_id):
                    response = await pool.handle_async_request(request)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            return failed(ErrorType.VALIDATION_ERROR, "REQUEST_INVALID", f"the request cannot be sent: {error}")
        except DestinationForbidden as error:
            return failed(ErrorType.VALIDATION_ERROR, "DESTINATION_FORBIDDEN", str(error))
        except httpx.TransportError as error:
            return failed(ErrorType.NETWORK_ERROR, _network_code(error), _network_message(error))
        return _outcome_of(config, response, body, kept_bytes_max(task))


def _cancel(run: asyncio.Task[Outcome]) -> None:
    run.cancel()


def _request_of(task: TaskAssigned, config: HttpConfig, at: datetime, traceparent: str | None) -> httpx.Request:
    url = httpx.URL(config.url)
    headers = httpx.Headers(_DEFAULT_HEADERS)
    if url.userinfo:
        headers["authorization"] = f"Basic {base64.b64encode(unquote_to_bytes(url.userinfo)).decode()}"
    headers.update(config.headers)
    content: bytes | None = None
    if isinstance(config.body, str):
        content = config.body.encode()
    elif config.body is not None:
        content = to_json(config.body, inf_nan_mode="null")
        headers.setdefault("content-type", "application/json")
    headers["idempotency-key"] = task.execution_id
    headers["horolog-execution-id"] = task.execution_id
    headers["horolog-attempt"] = headers["horolog-fencing-token"] = str(task.attempt)
    headers["horolog-scheduled-for"] = task.scheduled_for.isoformat()
    if traceparent is not None:
        headers["traceparent"] = traceparent
        # Of another trace, if the job has set one.
        headers.pop("tracestate", None)
    if config.sign_with is not None:
        headers.update(signed(config.sign_with, task.execution_id, at, content or b""))
    return httpx.Request(config.method, url, headers=headers, content=content)


async def _read(response: httpx.Response) -> bytes | None:
    """The body as it was sent; None when it is larger than allowed. The raw bytes: a decoder could be made to swell."""
    if int(response.headers.get("content-length", "0")) > HTTP_BODY_READ_BYTES_MAX:
        return None
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > HTTP_BODY_READ_BYTES_MAX:
            return None
    return b"".join(parts)


def _outcome_of(config: HttpConfig, response: httpx.Response, body: bytes | None, bytes_max: int) -> Outcome:
    status = response.status_code
    metadata: dict[str, JsonValue] = {"statusCode": status, "headers": _kept_headers(response)}
    if body is None:
        why = f"the answer's body is larger than {HTTP_BODY_READ_BYTES_MAX} bytes"
        too_large = failure(ErrorType.VALIDATION_ERROR, "RESPONSE_TOO_LARGE", why)
        return Outcome(failure=too_large, metadata=metadata)
    if len(body) > bytes_max:
        metadata["truncated"] = True
    result = _result_of(response, body, bytes_max)
    if status == config.expected_status_code:
        return Outcome(result=result, metadata=metadata)
    wrong = failure(
        ErrorType.SYSTEM_ERROR if status >= 500 else ErrorType.USER_ERROR,
        "HTTP_STATUS",
        f"the answer's status is {status}; {config.expected_status_code} was expected",
        retryable=True if status in config.retry_on_status_codes else None,
    )
    return Outcome(failure=wrong, result=result, metadata=metadata)


def _result_of(response: httpx.Response, body: bytes, bytes_max: int) -> JsonValue:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if is_json and body and len(body) <= bytes_max:
        try:
            return parsed_json(body)
        except ValueError:
            pass  # What only claims to be JSON is kept as the text that it is.
    return kept_text(body, bytes_max, response.charset_encoding or "utf-8")


def _kept_headers(response: httpx.Response) -> dict[str, JsonValue]:
    kept = list(response.headers.items())[:HEADER_COUNT_MAX]
    return {clean(name[:HEADER_LENGTH_MAX]): clean(value[: 10 * HEADER_LENGTH_MAX]) for name, value in kept}


def _network_code(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectError):
        return "CONNECT_FAILED"
    return "PROTOCOL_BROKEN" if isinstance(error, httpx.ProtocolError) else "CONNECTION_LOST"


def _network_message(error: httpx.TransportError) -> str:
    return f"no answer: {str(error) or type(error).__name__}"
