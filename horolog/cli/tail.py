"""Following executions: what changed since the last look, one line a change.

The API is asked for the newest executions over and over; those that were open at the last look and are no longer
among the newest are asked for one by one, so an end is never overlooked. Only the changes of a bounded number of
executions are followed at a time; the oldest give way.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

FOLLOWED_COUNT_MAX = 1000
PAGE_COUNT = 200
PAGES_PER_LOOK_COUNT_MAX = 25

_OPEN = frozenset({"pending", "running"})
_SEEN_COUNT_MAX = 20_000
_State = tuple[Any, ...]


class Source(Protocol):
    """Where executions are read; `horolog.cli.client.Client` is one."""

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The body of the answer."""
        ...


class Tail:
    """Remembers what was seen; `look` gives what is new. `query` filters the executions followed."""

    def __init__(self, source: Source, query: Mapping[str, Any]) -> None:
        self._source = source
        self._query = query
        self._seen: dict[str, _State] = {}
        self._open: dict[str, None] = {}

    def look(self, quiet: bool = False) -> list[Mapping[str, Any]]:
        """The executions that changed, oldest first. A quiet look only remembers what there is."""
        newest = list(self._newest(pages=1 if quiet else PAGES_PER_LOOK_COUNT_MAX))
        found = {item["id"]: item for item in newest}
        for execution_id in [name for name in self._open if name not in found]:
            found[execution_id] = self._source.get(f"/executions/{execution_id}")
        changed = [item for item in reversed(found.values()) if self._note(item)]
        return [] if quiet else sorted(changed, key=lambda item: str(item["createdAt"]))

    def _newest(self, pages: int) -> Iterator[Mapping[str, Any]]:
        cursor: str | None = None
        for _ in range(pages):
            query = {**self._query, "limit": PAGE_COUNT, "cursor": cursor}
            page = self._source.get("/executions", query)
            yield from page["items"]
            cursor = page.get("nextCursor")
            # A page whose last item is known reaches what the look before saw.
            if cursor is None or page["items"][-1]["id"] in self._seen:
                return

    def _note(self, item: Mapping[str, Any]) -> bool:
        state = (item["status"], item["progress"], item["attempt"], item["retryCount"], item["lateCount"])
        name = item["id"]
        if self._seen.get(name) == state:
            return False
        self._seen[name] = state
        self._open.pop(name, None)
        if item["status"] in _OPEN:
            self._open[name] = None
        while len(self._seen) > _SEEN_COUNT_MAX:
            del self._seen[next(iter(self._seen))]
        while len(self._open) > FOLLOWED_COUNT_MAX:
            del self._open[next(iter(self._open))]
        return True
