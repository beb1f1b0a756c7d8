"""The commands' view of the API: plain JSON, and every failure as a problem that says what to do.

Guarantee: as `horolog.client` gives it, which makes the calls: a change is asked for once under a key of its own, and
an answer that is not Horolog's is never taken for one.
"""

import os
import ssl
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import httpx

from horolog.adapters.system import RandomIds, SystemClock, system_chance
from horolog.cli.connection import Connection, connection
from horolog.cli.login_session import session_token
from horolog.cli.options import ApiOptions
from horolog.cli.problems import REFUSED, UNREACHABLE, CliProblem, wrong_use
from horolog.client.calls import Call, Page, plain_pages
from horolog.client.errors import HorologError, NotTheApi, Refused, Unreachable
from horolog.client.exchange import Answer, Patience, Terms, exchange
from horolog.client.following import PATIENCE as FOLLOWING_PATIENCE
from horolog.client.following import Following, Source
from horolog.client.steps import BlockingSteps
from horolog.client.tokens import Fixed
from horolog.client.wire import Flow, Request, changing, reading
from horolog.ports import Ids
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import client_context, tls_files

T = TypeVar("T")
E = TypeVar("E")
TIMEOUT_S = 30.0
PATIENCE = Patience(try_count_max=3, pause_s=0.4, awaits_start=False)
"""Who sits at a command line wants to know at once that nobody listens."""
_ADVICE = {
    401: "Sign in with `horolog login`, or give a valid token with --token or HOROLOG_TOKEN.",
    403: "Ask an administrator for the permission, or use another token.",
    404: "`horolog job list` and `horolog exec list` show what there is.",
    410: "Leave --since-id out to begin with what happens now.",
    412: "It was changed meanwhile; look at it again, then repeat the command.",
    429: "Wait a moment, then repeat the command.",
    503: "`horolog doctor` shows which part is missing.",
}


class Client:
    """Calls the API over one HTTP connection. Paths are below that of the scheduler, unless they begin with /api/."""

    def __init__(
        self, connection: Connection, http: httpx.Client, ids: Ids, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        authority = Fixed({"Authorization": f"Bearer {connection.token}"} if connection.token else {})
        chance, place = system_chance, connection.url
        self._terms = Terms(authority, PATIENCE, chance, ids.new, time.monotonic, place)
        self._driver = BlockingSteps(http, place, sleep)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The body of an answer; parameters without a value are left out."""
        return self.fetch(path, query).body

    def fetch(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        """An answer with its entity tag."""
        return self._call(reading(path, query))

    def change(
        self, method: str, path: str, body: Any = None, *, if_match: str | None = None, key: str | None = None
    ) -> Answer:
        """Ask for a change, once, under an idempotency key (`key`, else a new one)."""
        try:
            request = changing(method, path, body, key or self._terms.new_key(), if_match)
        except ValueError as error:
            raise wrong_use("A number is infinite or not a number (NaN); JSON knows neither.") from error
        return self._call(request)

    def pages(self, path: str, query: Mapping[str, Any], limit: int | None) -> Iterator[Any]:
        """The items of a list, page after page, at most `limit` of them."""
        following: Call[Page[Any]] | None = plain_pages(path, query, limit)
        while following is not None:
            page = self._go("GET", following(self._terms))
            yield from page.items
            following = page.following

    def following(self, where: Source[E], since_id: str | None = None, *, follow: bool = True) -> Following[E]:
        """A stream, for `events` to go through."""
        patience = replace(FOLLOWING_PATIENCE, awaits_start=False)
        return Following(self._terms, where, since_id, follow=follow, patience=patience)

    def events(self, following: Following[E]) -> Generator[E, None, None]:
        """The events of a stream, as they happen."""
        try:
            yield from self._driver.follow(following)
        except HorologError as error:
            raise _problem("GET", error) from error

    def _call(self, request: Request) -> Answer:
        return self._go(request.method, exchange(request, self._terms))

    def _go(self, method: str, steps: Flow[T]) -> T:
        try:
            return self._driver.go(steps)
        except HorologError as error:
            raise _problem(method, error) from error


def _problem(method: str, error: HorologError) -> CliProblem:
    """What went wrong, and what to do about it."""
    if isinstance(error, Refused):
        details = error.details if isinstance(error.details, dict) else {"details": error.details}
        return CliProblem(
            error.code, error.message, _ADVICE.get(error.status), REFUSED, details if error.details else None
        )
    if isinstance(error, NotTheApi):
        advice = "Check --url or HOROLOG_URL."
    elif isinstance(error, Unreachable):
        advice = "Start it with `horolog dev`, or name another address with --url or HOROLOG_URL."
    else:
        advice = "`horolog doctor` shows which part is missing."
        if method != "GET":
            advice = "The change may or may not have been made: look before repeating it. " + advice
    return CliProblem(error.code, error.message, advice, UNREACHABLE)


def _authorities(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Whom to believe that a server is who it says: the system's authorities, or those in HOROLOG_CA_FILE.

    Raises:
        CliProblem: the file cannot be used.
    """
    try:
        return client_context(tls_files(environment, "HOROLOG"), "HOROLOG")
    except SettingsError as error:
        raise wrong_use(str(error), "Name a file of certificates (PEM).") from error


@contextmanager
def open_client(options: ApiOptions) -> Iterator[Client]:
    """The client that a command's options and the environment mean."""
    place = connection(options.url, options.token, os.environ)
    # Proxies of the environment are for the outer world; the scheduler is reached directly.
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=_authorities(os.environ)) as http:
        if not (options.token or os.environ.get("HOROLOG_TOKEN")):
            kept = session_token(place.url, os.environ, http, SystemClock().now().timestamp())
            place = replace(place, token=kept or place.token)
        yield Client(place, http, RandomIds())


@contextmanager
def open_nobodys_client(options: ApiOptions) -> Iterator[tuple[str, Client]]:
    """The address, and a client without a token, for what needs none."""
    place = replace(connection(options.url, None, os.environ), token=None)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=_authorities(os.environ)) as http:
        yield place.url, Client(place, http, RandomIds())
