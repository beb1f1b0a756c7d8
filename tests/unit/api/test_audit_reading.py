"""The audit trail over HTTP: pages, filters, and CSV in which nothing is a formula."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from horolog.domain.audit import CALLS, Entry, genesis, linked
from projections.views import AuditFilter
from services.api.audit_reader import COLUMNS
from tests.unit.api.test_audit_trail import Auditor
from tests.unit.api.world import OURS, START, THEIRS, World, open_world

AUDIT = "/api/v1/audit"


def entry(number: int, tenant_id: str = OURS, **fields: Any) -> Entry:
    at = START + timedelta(seconds=number)
    told = Entry(tenant_id, CALLS, at, "user:1", "DELETE /x", str(number), "OK", "0" * 64)
    return replace(told, **fields)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Everybody is an auditor; there are three entries of ours, and one of theirs."""
    async with open_world(callers=Auditor()) as opened:
        opened.audit.links += linked(genesis(OURS, CALLS), [entry(1), entry(2), entry(3, reason="=1+1")])
        opened.audit.links += linked(genesis(THEIRS, CALLS), [entry(9, THEIRS)])
        yield opened


async def read(world: World, query: str = "", headers: Mapping[str, str] | None = None) -> httpx.Response:
    return await world.client.get(AUDIT + query, headers=headers)


async def test_entries_are_read_newest_first_in_pages(world: World) -> None:
    first = (await world.ask("GET", f"{AUDIT}?limit=2")).json()
    rest = (await world.ask("GET", f"{AUDIT}?limit=2&cursor={first['nextCursor']}")).json()
    assert [item["seq"] for item in (*first["items"], *rest["items"])] == [3, 2, 1]
    assert rest["nextCursor"] is None
    assert tuple(rest["items"][0]) == COLUMNS


async def test_filters_reach_the_read_models(world: World) -> None:
    await world.ask("GET", f"{AUDIT}?from=2026-03-01T12:00:00Z&actor=user:1&action=a&object=b&chain=jobs")
    assert world.audit.asked[-1] == AuditFilter(START, None, "user:1", "a", "b", "jobs")


@pytest.mark.parametrize("query", ["chain=x", "surprise=1", "format=xml", "limit=0", "cursor=x", "actor="])
async def test_a_wrong_question_is_refused(world: World, query: str) -> None:
    assert (await world.ask("GET", f"{AUDIT}?{query}")).status_code == 400


@pytest.mark.parametrize("how", [("?format=csv", {}), ("", {"Accept": "text/csv, */*;q=0.1"})])
async def test_csv_has_a_line_for_each_entry_and_no_formula(world: World, how: tuple[str, dict[str, str]]) -> None:
    answer = await read(world, *how)
    assert answer.headers["content-type"].startswith("text/csv")
    head, *lines = csv.reader(io.StringIO(answer.text))
    assert tuple(head) == COLUMNS
    assert [line[head.index("seq")] for line in lines] == ["3", "2", "1"]
    assert lines[0][head.index("reason")] == "'=1+1"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
async def test_a_cell_that_begins_like_a_formula_is_defused(world: World, begin: str) -> None:
    world.audit.links[:] = linked(genesis(OURS, CALLS), [entry(1, object_id=f"{begin}cmd")])
    _, line = csv.reader(io.StringIO((await read(world, "?format=csv")).text, newline=""))
    assert line[COLUMNS.index("object")] == f"'{begin}cmd"


async def test_csv_says_where_it_goes_on(world: World) -> None:
    cursor = (await read(world, "?format=csv&limit=2")).headers["horolog-next-cursor"]
    rest = await read(world, f"?format=csv&limit=2&cursor={cursor}")
    assert len(rest.text.splitlines()) == 2
    assert "horolog-next-cursor" not in rest.headers
