"""Connections to where tenants may have requests sent: those of HTTP jobs, and those of notifications.

Guarantee: a name is resolved once for each connection, every address that it stands for is judged, and the connection
goes to one of those very addresses: whoever answers differently the next time gains nothing. If one of them may not be
called, none is. The name itself stays in TLS (SNI, certificate) and in the Host header. However long lookups of one
tenant's names hang, and whoever gives them up, they hold no more than its share of the threads that look up.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

import httpcore
import httpx

from horolog.domain.addresses import Address, DestinationForbidden, Network, refusal

RESOLVING_COUNT_MAX = 32
"""How many names are looked up at a time; others wait within their own timeouts."""
RESOLVING_PER_TENANT_COUNT_MAX = 8
"""How many of them are one tenant's."""
ADDRESS_COUNT_MAX = 8
"""Of one name. Those beyond are judged, and not called."""

TRY_S = 2.0
"""After which the next address of a name is tried."""

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
LookUp = Callable[[str, int], Sequence[str]]
"""Blocks until the addresses of a name are known. Raises OSError: there are none."""

_tenant: ContextVar[str] = ContextVar("resolving_for", default="")


@contextlib.contextmanager
def resolving_for(tenant_id: str) -> Iterator[None]:
    """Have names that are looked up inside count as this tenant's."""
    token = _tenant.set(tenant_id)
    try:
        yield
    finally:
        _tenant.reset(token)


def _looked_up(host: str, port: int) -> Sequence[str]:
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(slots=True)
class _Share:
    """A tenant's lookups: seats for those under way, and how many there are with those that wait."""

    seats: asyncio.Semaphore
    count: int = 0


class Resolver:
    """The system's resolver, in threads of its own: lookups that hang hold up no other work of the process."""

    def __init__(self, look_up: LookUp = _looked_up) -> None:
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(RESOLVING_COUNT_MAX, thread_name_prefix="resolver")
        self._shares: dict[str, _Share] = {}

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of a name, in the order in which they should be tried.

        Raises:
            OSError: there are none.
        """
        tenant_id, loop = _tenant.get(), asyncio.get_running_loop()
        share = self._share_of(tenant_id)
        share.count += 1
        try:
            await share.seats.acquire()
        except asyncio.CancelledError:
            self._leave(tenant_id, share)
            raise
        looking = self._threads.submit(self._look_up, host, port)
        # Who gives up leaves the thread behind: until that is done, its seat is taken.
        looking.add_done_callback(lambda _: _soon(loop, partial(self._stand_up, tenant_id, share)))
        found = await asyncio.wrap_future(looking)
        return list(dict.fromkeys(map(ip_address, found)))

    def close(self) -> None:
        """End the threads, without waiting for lookups that hang; the process's own end does wait for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _share_of(self, tenant_id: str) -> _Share:
        share = self._shares.get(tenant_id)
        if share is None:
            # Lookups of nobody in particular are this process's own.
            count = RESOLVING_PER_TENANT_COUNT_MAX if tenant_id else RESOLVING_COUNT_MAX
            share = self._shares[tenant_id] = _Share(asyncio.Semaphore(count))
        return share

    def _stand_up(self, tenant_id: str, share: _Share) -> None:
        share.seats.release()
        self._leave(tenant_id, share)

    def _leave(self, tenant_id: str, share: _Share) -> None:
        share.count -= 1
        if share.count == 0:
            self._shares.pop(tenant_id, None)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    # A lookup may outlive the loop; then nobody waits for its seat.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that may be called."""

    def __init__(self, resolve: Resolve, allowed: Sequence[Network]) -> None:
        self._resolve = resolve
        self._allowed = allowed
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the host.

        Raises:
            DestinationForbidden: one of its addresses may not be called.
            httpcore.ConnectError: the name is unknown, or nobody answers.
        """
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        for address in addresses:
            if (words := refusal(address, self._allowed)) is not None:
                raise DestinationForbidden(f"{host} is {address}, and jobs may not call it: it is {words}")
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        called = list(addresses[:ADDRESS_COUNT_MAX])
        for address in called:
            patience_s = timeout if address is called[-1] else min(TRY_S, timeout or TRY_S)
            try:
                return await self._plain.connect_tcp(str(address), port, patience_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never.

        Raises:
            DestinationForbidden: always.
        """
        raise DestinationForbidden("jobs may not call a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Let time pass between attempts to connect."""
        await asyncio.sleep(seconds)


def guarded_transport(
    backend: httpcore.AsyncNetworkBackend, context: ssl.SSLContext, kept_count: int
) -> httpx.AsyncBaseTransport:
    """A pool of connections that the backend opens. No proxy is taken from the environment."""
    transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    # httpx has no parameter for the one thing that matters here; this is the pool that it would have made.
    transport._pool = httpcore.AsyncConnectionPool(
        ssl_context=context, max_connections=None, max_keepalive_connections=kept_count, network_backend=backend
    )
    return transport
