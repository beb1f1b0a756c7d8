"""What a call is made of beyond one request: its steps, the models that answers are read into, and pages.

Guarantee: fields that this version does not know are left out of an answer, so a newer API can be called. A change
that is given no idempotency key gets one when the call begins, and keeps it through all of its tries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from horolog.client.errors import NotTheApi
from horolog.client.exchange import Answer, Terms, exchange
from horolog.client.wire import Flow, changing, reading
from schemas.base import Value

T = TypeVar("T")
M = TypeVar("M", bound=Value)
PAGE_COUNT_MAX = 200

Part = tuple[Sequence[Any], str | None]
"""The items of a page, and the cursor of the next, if there is one."""
Call = Callable[[Terms], Flow[T]]
"""One logical call: its steps, on a client's terms."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and the call that gets those after them; None after the last."""

    items: Sequence[T]
    following: "Call[Page[T]] | None"


@dataclass(frozen=True, slots=True)
class Wish:
    """Under which key a change is asked for (None: a new one), and of which version of the job (None: of any)."""

    key: str | None = None
    version: int | None = None


ANY = Wish()


def read(path: str, model: type[M], query: Mapping[str, object] | None = None) -> Call[M]:
    """Ask for one thing."""

    def steps(terms: Terms) -> Flow[M]:
        return modelled((yield from exchange(reading(path, query), terms)), model, terms)

    return steps


def change(method: str, path: str, model: type[M], body: Any = None, wish: Wish = ANY) -> Call[M]:
    """Ask for a change, and for the thing as it is after it."""

    def steps(terms: Terms) -> Flow[M]:
        return modelled((yield from _changed(method, path, body, wish, terms)), model, terms)

    return steps


def remove(path: str, wish: Wish = ANY) -> Call[None]:
    """Ask for something to be gone."""

    def steps(terms: Terms) -> Flow[None]:
        yield from _changed("DELETE", path, None, wish, terms)

    return steps


def pages(path: str, model: type[Value], query: Mapping[str, object], limit: int | None) -> Call[Page[Any]]:
    """Ask for a list, a page at a time, for at most `limit` items; the model has `items` and `next_cursor`."""

    def read_page(answer: Answer, terms: Terms) -> Part:
        page: Any = modelled(answer, model, terms)
        return page.items, page.next_cursor

    return _pages(path, read_page, query, limit)


def plain_pages(path: str, query: Mapping[str, object], limit: int | None) -> Call[Page[Any]]:
    """Ask for a list as `pages` does, and get its items as plain JSON."""
    return _pages(path, lambda answer, _: (answer.body["items"], answer.body.get("nextCursor")), query, limit)


def plain(method: str, path: str, body: Any = None, wish: Wish = ANY) -> Call[Any]:
    """Ask for anything at all, and get the JSON of the answer."""

    def steps(terms: Terms) -> Flow[Any]:
        if method == "GET":
            return (yield from exchange(reading(path), terms)).body
        return (yield from _changed(method, path, body, wish, terms)).body

    return steps


def modelled(answer: Answer, model: type[M], terms: Terms) -> M:
    """The answer as a model.

    Raises:
        NotTheApi: it does not fit.
    """
    try:
        return model.model_validate_json(answer.raw or b"null", extra="ignore")
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, one["loc"])) or "body" for one in error.errors()})[:10])
        text = f"{terms.place} answered what this version cannot read ({fields})."
        raise NotTheApi(text) from None


def part(text: str) -> str:
    """An id as one part of a path, whatever is in it."""
    return quote(text, safe="")


def _pages(
    path: str,
    read_page: Callable[[Answer, Terms], Part],
    query: Mapping[str, object],
    limit: int | None,
    cursor: str | None = None,
) -> Call[Page[Any]]:
    size = None if limit is None else max(1, min(limit, PAGE_COUNT_MAX))

    def steps(terms: Terms) -> Flow[Page[Any]]:
        asked = reading(path, {**query, "limit": size, "cursor": cursor})
        items, following = read_page((yield from exchange(asked, terms)), terms)
        if limit is not None:
            items = items[:limit]
        left = None if limit is None else limit - len(items)
        if following is None or left == 0:
            return Page(items, None)
        return Page(items, _pages(path, read_page, query, left, following))

    return steps


def _changed(method: str, path: str, body: Any, wish: Wish, terms: Terms) -> Flow[Answer]:
    key = wish.key or terms.new_key()
    return (yield from exchange(changing(method, path, body, key, wish.version), terms))
