"""The API's client: one request, one answer, and every failure as a problem that says what to do.

Guarantee: a changing call carries an idempotency key of its own. When its answer is lost it is sent again with
the same key, so the change happens once. An answer that is not Horolog's is never taken for one.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from horolog.adapters.system import RandomIds
from horolog.cli.connection import Connection, connection
from horolog.cli.options import ApiOptions
from horolog.cli.problems import REFUSED, UNREACHABLE, CliProblem, wrong_use
from horolog.ports import Ids

BASE = "/api/v1/scheduler"
TIMEOUT_S = 30.0
RETRY_DELAYS_S = (0.2, 1.0)
_TRY_AGAIN = frozenset({502, 503, 504})
_ADVICE = {
    401: "Give a valid token with --token or HOROLOG_TOKEN; `horolog dev` leaves one in its data directory.",
    403: "Ask an administrator for the permission, or use another token.",
    404: "`horolog job list` and `horolog exec list` show what there is.",
    412: "It was changed meanwhile; look at it again, then repeat the command.",
    429: "Wait a moment, then repeat the command.",
    503: "`horolog doctor` shows which part is missing.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of an answer, and its entity tag if it has one."""

    body: Any
    etag: str | None


class Client:
    """Calls the API over one HTTP connection. Paths are below `base`."""

    def __init__(
        self,
        connection: Connection,
        http: httpx.Client,
        ids: Ids,
        sleep: Callable[[float], None] = time.sleep,
        base: str = BASE,
    ) -> None:
        self._connection = connection
        self._http = http
        self._ids = ids
        self._sleep = sleep
        self._base = base

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The body of an answer; parameters without a value are left out."""
        return self.fetch(path, query).body

    def fetch(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        """An answer with its entity tag."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return self._call("GET", path, {}, params=given)

    def change(
        self, method: str, path: str, body: Any = None, *, if_match: str | None = None, key: str | None = None
    ) -> Answer:
        """Ask for a change, once, under an idempotency key (`key`, else a new one)."""
        _refuse_what_json_lacks(body)
        headers = {"Idempotency-Key": key or self._ids.new()}
        if if_match is not None:
            headers["If-Match"] = if_match
        return self._call(method, path, headers, **({} if body is None else {"json": body}))

    def pages(self, path: str, query: Mapping[str, Any], limit: int | None) -> Iterator[Any]:
        """The items of a list, page after page, at most `limit` of them."""
        cursor, left = None, limit
        while True:
            size = None if left is None else min(left, 200)
            page = self.get(path, {**query, "limit": size, "cursor": cursor})
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page.get("nextCursor")
            if cursor is None or (left is not None and left <= 0):
                return

    def _call(self, method: str, path: str, headers: dict[str, str], **content: Any) -> Answer:
        if self._connection.token:
            headers["Authorization"] = f"Bearer {self._connection.token}"
        for delay in (*RETRY_DELAYS_S, None):
            try:
                answer = self._http.request(
                    method, self._connection.url + self._base + path, headers=headers, **content
                )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise self._unreachable(str(error)) from error
            except httpx.RequestError as error:
                if delay is None:
                    raise self._lost(method, error) from error
            else:
                if delay is None or answer.status_code not in _TRY_AGAIN:
                    return self._read(answer)
            self._sleep(delay)
        raise AssertionError("the last try either answers or raises")

    def _read(self, answer: httpx.Response) -> Answer:
        try:
            body = answer.json() if answer.content else None
        except ValueError as error:
            raise self._foreign(answer) from error
        if answer.is_success:
            return Answer(body, answer.headers.get("etag"))
        found = body.get("error") if isinstance(body, dict) else None
        if not isinstance(found, dict) or "code" not in found:
            raise self._foreign(answer)
        details = found.get("details")
        raise CliProblem(
            str(found["code"]),
            str(found.get("message", "The API gave no reason.")),
            _ADVICE.get(answer.status_code),
            REFUSED,
            details if isinstance(details, dict) else {"details": details} if details else None,
        )

    def _foreign(self, answer: httpx.Response) -> CliProblem:
        message = f"{self._connection.url} answered {answer.status_code}, but not as Horolog's API does."
        return CliProblem("NOT_THE_API", message, "Check --url or HOROLOG_URL.", UNREACHABLE)

    def _unreachable(self, why: str) -> CliProblem:
        message = f"{self._connection.url} cannot be reached: {why or 'no answer'}."
        advice = "Start it with `horolog dev`, or name another address with --url or HOROLOG_URL."
        return CliProblem("UNREACHABLE", message, advice, UNREACHABLE)

    def _lost(self, method: str, error: httpx.RequestError) -> CliProblem:
        message = f"{self._connection.url} gave no answer ({type(error).__name__})."
        advice = "`horolog doctor` shows which part is missing."
        if method != "GET":
            advice = "The change may or may not have been made: look before repeating it. " + advice
        return CliProblem("NO_ANSWER", message, advice, UNREACHABLE)


def _refuse_what_json_lacks(body: Any) -> None:
    """Raises `CliProblem` for numbers that Python reads and JSON does not know."""
    try:
        json.dumps(body, allow_nan=False)
    except ValueError as error:
        raise wrong_use("A number is infinite or not a number (NaN); JSON knows neither.") from error


@contextmanager
def open_client(options: ApiOptions, base: str = BASE) -> Iterator[Client]:
    """The client that a command's options and the environment mean, for the paths below `base`."""
    place = connection(options.url, options.token, os.environ)
    # Proxies of the environment are for the outer world; the scheduler is reached directly.
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        yield Client(place, http, RandomIds(), base=base)
