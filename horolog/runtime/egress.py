"""Connections to where tenants may have requests sent: those of HTTP jobs, and those of notifications.

Guarantee: a name is resolved once for each connection, every address that it stands for is judged, and the connection
goes to one of those very addresses: whoever answers differently the next time gains nothing. If one of them may not be
called, none is. The name itself stays in TLS (SNI, certificate) and in the Host header.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpcore
import httpx

from horolog.domain.addresses import Address, DestinationForbidden, Network, refusal

RESOLVING_COUNT_MAX = 32
"""How many names are looked up at a time; others wait within their own timeouts."""
ADDRESS_COUNT_MAX = 8
"""Of one name. Those beyond are judged, and not called."""

TRY_S = 2.0
"""After which the next address of a name is tried."""

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class Resolver:
    """The system's resolver, in threads of its own: lookups that hang hold up no other work of the process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_COUNT_MAX, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of a name, in the order in which they should be tried.

        Raises:
            OSError: there are none.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _looked_up, host, port)
        return list(dict.fromkeys(map(ip_address, found)))

    def close(self) -> None:
        """End the threads, without waiting for lookups that hang; the process's own end does wait for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _looked_up(host: str, port: int) -> Sequence[str]:
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


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
