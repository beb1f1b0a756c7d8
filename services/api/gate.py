"""The gate in front of every route: who is asking, how it ended, and never a traceback.

Guarantee: without a recognised caller nothing behind the gate runs, known address or not; the health checks alone are
open, and with the built-in issuer the addresses that passwords and refresh tokens are sent to: by their exact
address. What is not HTTP is closed to all, and nobody is served beyond the limits of `rates`. Every answer is logged
once, without anything that the caller wrote; every change and every refusal is noted for the audit trail (`calls`).
Where there are traces, every answer to a recognised caller is the end of a span.
"""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from horolog.runtime.logs import log_fields
from projections.views import ReadModelUnavailable
from services.api.call_journal import CallJournal
from services.api.calls import Call, is_told
from services.api.client_addresses import client_address
from services.api.errors import ApiError, error_answer, is_internal
from services.api.ports import OPEN_PATHS, OPEN_SUBMISSIONS, ApiPorts, Principal, Served
from services.api.rates import RateGuard
from services.api.settings import ApiSettings
from services.api.tenant_rates import TenantRates
from services.api.tracing import CallTrace

_LOG = logging.getLogger("horolog.api")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION = 1008
"""RFC 6455, section 7.4.1; before the handshake is accepted, servers answer it with 403."""
NOBODY = Principal("", "anonymous", frozenset())
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
"""A browser takes an answer for what its type says, whatever a tenant has written into it (WHATWG Fetch, section 3.6).
"""


class Gate:
    """Plain ASGI middleware."""

    def __init__(self, app: AsgiApp, ports: ApiPorts, settings: ApiSettings, journal: CallJournal) -> None:
        self._app = app
        self._ports = ports
        self._journal = journal
        self._internal_port = settings.internal_port
        self._proxies = settings.proxies
        tenants = TenantRates(ports.tenants, ports.tenant_defaults, settings.limits.tenant, ports.clock)
        self._rates = RateGuard(ports.rates, settings.limits, tenants)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # There are no WebSockets: a door that nobody watches is not left for a route to come.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        scope["call"] = Call()
        tracing = self._ports.tracing
        if tracing is None:
            with log_fields() as scope["log_fields"]:
                await self._serve(scope, receive, send)
            return
        scope["trace"] = trace = CallTrace(scope, self._ports.ids.new(), tracing.ratio, self._ports.clock.now())
        with log_fields(trace_id=trace.context.trace_id) as scope["log_fields"]:
            status = await self._serve(scope, receive, send)
        principal = scope.get("principal", NOBODY)
        if trace.context.is_sampled and principal is not NOBODY:
            tracing.tell(trace.span(scope, status, principal.tenant_id, self._ports.clock.now()))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Let the request through, and take note of how it ended; gives the status of the answer."""
        started, answered, call = time.perf_counter(), 0.0, scope["call"]
        status = 500
        limits: list[tuple[bytes, bytes]] = []

        async def counted(message: MutableMapping[str, Any]) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                # A stream is answered when it begins, not when it ends.
                status, answered = message["status"], time.perf_counter()
                message = {**message, "headers": [*message.get("headers", ()), NO_SNIFFING, *limits]}
            await send(message)

        try:
            await self._pass(scope, receive, counted, limits)
        finally:
            if is_told(scope, status, call):
                principal = scope.get("principal", NOBODY)
                self._journal.note(scope, call, status, None if principal is NOBODY else principal)
            self._ports.served(_served(scope, status, (answered or time.perf_counter()) - started))
        return status

    async def _pass(self, scope: Scope, receive: Receive, send: Send, limits: list[tuple[bytes, bytes]]) -> None:
        path = scope["path"]
        try:
            scope["client_address"] = address = client_address(scope, self._proxies)
            scope["principal"] = principal = await self._caller(scope)
            if principal.tenant_id:
                scope["log_fields"]["tenant_id"] = principal.tenant_id
                told = await self._rates.admit(principal, address)
                limits += [(name.lower().encode(), value.encode()) for name, value in told.items()]
            await self._app(scope, receive, send)
        except ApiError as error:
            scope["call"].code = error.code
            await error_answer(error, path, self._ports.clock.now())(scope, receive, send)
        except ReadModelUnavailable:
            unavailable = ApiError("DATABASE_UNAVAILABLE")
            scope["call"].code = unavailable.code
            await error_answer(unavailable, path, self._ports.clock.now())(scope, receive, send)
        except Exception:  # noqa: BLE001 - the last line of defence: logged, and told without a traceback
            request_id = self._ports.ids.new()
            scope["request_id"] = request_id
            _LOG.exception("a request failed", extra={"request_id": request_id})
            text = f"Something went wrong here; the service's log has more under {request_id}."
            scope["call"].code = "INTERNAL_ERROR"
            failed = ApiError("INTERNAL_ERROR", text, {"requestId": request_id})
            await error_answer(failed, path, self._ports.clock.now())(scope, receive, send)

    async def _caller(self, scope: Scope) -> Principal:
        internal = is_internal(scope["path"])
        if self._internal_port is not None and internal != (scope["server"][1] == self._internal_port):
            # Here this address does not exist; that, too, is told only to callers of this listener.
            await self._recognised(scope, not internal)
            raise ApiError("NOT_FOUND")
        if scope["path"] in OPEN_PATHS and scope["method"] in ("GET", "HEAD"):
            # Open to all, but it may say more to another service.
            return (await self._ports.services.recognise(scope["headers"]) if internal else None) or NOBODY
        is_issuing = self._ports.accounts is not None
        if is_issuing and scope["path"] in OPEN_SUBMISSIONS and scope["method"] == "POST":
            await self._rates.nobody(scope["client_address"])
            return NOBODY
        return await self._recognised(scope, internal)

    async def _recognised(self, scope: Scope, internal: bool) -> Principal:
        callers = self._ports.services if internal else self._ports.callers
        principal = await callers.recognise(scope["headers"])
        if principal is None:
            await self._rates.nobody(scope["client_address"])
            challenge = {} if internal else {"WWW-Authenticate": 'Bearer realm="horolog"'}
            raise ApiError("UNAUTHORIZED", headers=challenge)
        return principal


def _served(scope: Scope, status: int, duration_s: float) -> Served:
    route = scope.get("route")
    principal = scope.get("principal", NOBODY)
    return Served(
        method=scope["method"],
        route=getattr(route, "path", "unknown"),
        status=status,
        duration_s=duration_s,
        tenant_id=principal.tenant_id,
        request_id=scope.get("request_id", ""),
    )
