"""The two clients: one that blocks, one that awaits.

Guarantee: a call ends within its time-outs and tries. Proxies of the environment are not used unless that is asked
for, redirections are not followed, and a token goes to the client's own address only.
"""

import os
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from horolog.adapters.system import RandomIds, system_chance
from horolog.client.calls import Call, Page
from horolog.client.exchange import Patience, Terms
from horolog.client.following import EVERY_EVENT, PATIENCE, EventFilter, Following, StreamEvent
from horolog.client.operations import Operations
from horolog.client.run_output import OutputEvent, OutputOf
from horolog.client.steps import TIMEOUT_S, AwaitingSteps, BlockingSteps
from horolog.client.tokens import Authority, Fixed, ServiceToken, SignIn, Token
from horolog.runtime.connection import connection

T = TypeVar("T")
DEFAULT_PATIENCE = Patience()
Credentials = Token | ServiceToken | SignIn


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How a client calls. `timeout_s` is for each try, and for each of connecting, sending and waiting.

    `verify` are the authorities that vouch for servers: those that httpx knows, unless others are given.
    """

    timeout_s: float = TIMEOUT_S
    patience: Patience = DEFAULT_PATIENCE
    verify: ssl.SSLContext | bool = True
    uses_environment: bool = False

    def options(self) -> dict[str, Any]:
        """What httpx is told."""
        return {"timeout": self.timeout_s, "trust_env": self.uses_environment, "verify": self.verify}


DEFAULTS = ClientSettings()


class Client(Operations):
    """Calls the API and returns its answers. May be used by several threads; close it, or use it in a `with`.

    `token` is a bearer token, or other credentials; without any, nobody calls.
    """

    def __init__(self, url: str, token: str | Credentials | None = None, settings: ClientSettings = DEFAULTS) -> None:
        self._terms = terms_of(url, token, settings)
        self._http = httpx.Client(**settings.options())
        self._driver = BlockingSteps(self._http, self._terms.place, time.sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._terms.place!r})"

    def close(self) -> None:
        """Close all connections; idempotent."""
        self._http.close()

    def run(self, call: Call[T]) -> T:
        """Make a call."""
        return self._driver.go(call(self._terms))

    def each(self, call: Call[Page[T]]) -> Iterator[T]:
        """Every item of a list, asking for the next page when it is come to."""
        following: Call[Page[T]] | None = call
        while following is not None:
            page = self.run(following)
            yield from page.items
            following = page.following

    def follow_events(
        self,
        where: EventFilter = EVERY_EVENT,
        since_id: str | None = None,
        *,
        follow: bool = True,
        patience: Patience = PATIENCE,
    ) -> Generator[StreamEvent, None, None]:
        """What happens to the tenant, as it happens, from now on or after the event with that id; for ever.

        Without `follow`, what there is so far. What breaks off is gone on with, and nothing is told twice.
        """
        return self._driver.follow(Following(self._terms, where, since_id, follow=follow, patience=patience))

    def follow_output(
        self, execution_id: str, since_id: str | None = None, *, follow: bool = True, patience: Patience = PATIENCE
    ) -> Generator[OutputEvent, None, None]:
        """What an execution prints, about a second later, until it has ended; or what follows the piece with that id.

        Without `follow`, what there is so far. What breaks off is gone on with, and nothing is told twice; what was
        not told while it went on is a gap between the offsets.
        """
        where = OutputOf(execution_id)
        return self._driver.follow(Following(self._terms, where, since_id, follow=follow, patience=patience))


class AsyncClient(Operations):
    """Calls the API, and has its answers awaited. For one loop; close it, or use it in an `async with`."""

    def __init__(self, url: str, token: str | Credentials | None = None, settings: ClientSettings = DEFAULTS) -> None:
        self._terms = terms_of(url, token, settings)
        self._http = httpx.AsyncClient(**settings.options())
        self._driver = AwaitingSteps(self._http, self._terms.place)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._terms.place!r})"

    async def close(self) -> None:
        """Close all connections; idempotent."""
        await self._http.aclose()

    async def run(self, call: Call[T]) -> T:
        """Make a call."""
        return await self._driver.go(call(self._terms))

    async def each(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Every item of a list, asking for the next page when it is come to."""
        following: Call[Page[T]] | None = call
        while following is not None:
            page = await self.run(following)
            for item in page.items:
                yield item
            following = page.following

    def follow_events(
        self,
        where: EventFilter = EVERY_EVENT,
        since_id: str | None = None,
        *,
        follow: bool = True,
        patience: Patience = PATIENCE,
    ) -> AsyncGenerator[StreamEvent, None]:
        """As that of `Client`; close the iterator (`aclosing`) to stop listening before its end."""
        return self._driver.follow(Following(self._terms, where, since_id, follow=follow, patience=patience))

    def follow_output(
        self, execution_id: str, since_id: str | None = None, *, follow: bool = True, patience: Patience = PATIENCE
    ) -> AsyncGenerator[OutputEvent, None]:
        """As that of `Client`; close the iterator (`aclosing`) to stop listening before its end."""
        where = OutputOf(execution_id)
        return self._driver.follow(Following(self._terms, where, since_id, follow=follow, patience=patience))


def connect(settings: ClientSettings = DEFAULTS) -> Client:
    """A client for where HOROLOG_URL and HOROLOG_TOKEN say, else for the `horolog dev` of this directory.

    Raises:
        ValueError: neither can be used.
    """
    place = connection(None, None, os.environ)
    return Client(place.url, place.token, settings)


def connect_async(settings: ClientSettings = DEFAULTS) -> AsyncClient:
    """As `connect`, for a client whose answers are awaited."""
    place = connection(None, None, os.environ)
    return AsyncClient(place.url, place.token, settings)


def terms_of(url: str, token: str | Credentials | None, settings: ClientSettings) -> Terms:
    """On what terms a client of this address calls.

    Raises:
        ValueError: it is no address of a server.
    """
    place = url.rstrip("/")
    if not place.startswith(("http://", "https://")) or "@" in place:
        raise ValueError("the address of the API begins with http:// or https:// and holds no credentials")
    try:
        httpx.URL(place)
    except httpx.InvalidURL as error:
        raise ValueError(f"the address of the API cannot be used: {error}") from None
    credentials = Token(token) if isinstance(token, str) else token
    authority: Authority = Fixed({}) if credentials is None else credentials.authority(time.monotonic)
    return Terms(authority, settings.patience, system_chance, RandomIds().new, time.monotonic, place)
