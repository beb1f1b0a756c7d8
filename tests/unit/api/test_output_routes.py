"""`GET /executions/{id}/output/stream`: whose output, in which shape, and what is refused."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import httpx

from services.api.context import ApiContext
from services.api.streams.desk import Bounds
from services.api.streams.seats import Room
from tests.unit.api.contract import check_shape
from tests.unit.api.output_streaming import RUN, completed, printed, row
from tests.unit.api.streaming import Facts, Listening
from tests.unit.api.test_event_routes import job_row, opened, signed_in
from tests.unit.api.world import OUR_TOKEN, OURS, THEIR_TOKEN, UNKNOWN, World
from tests.unit.projections.facts import uuid_of


async def running(facts: Facts, status: str = "running", **changes: Any) -> None:
    """A run of ours as the read models show it, with a job that has the tag `billing`."""
    facts.read_model.jobs_by_id[uuid_of(1)] = job_row(1, "billing")
    facts.read_model.executions_by_id[RUN] = row(status, tenant_id=OURS, **changes)
    await facts.show()


async def ask(world: World, token: str = OUR_TOKEN, execution_id: str = RUN, since: str = "") -> httpx.Response:
    """What there is so far."""
    path = f"/executions/{execution_id}/output/stream?follow=false"
    return await world.ask("GET", path, token=token, headers={"Last-Event-ID": since})


async def told(answer: httpx.Response) -> list[dict[str, Any]]:
    """What an answer tells, without its last event."""
    assert answer.status_code == 200, answer.text
    listening, found = Listening(_one(answer.content)), list[dict[str, Any]]()
    while (event := await listening.next())[0] != "end":
        check_shape("OutputBody" if event[0] == "output" else "EventBody", event[1])
        found.append(dict(event[1]))
    check_shape("StreamEnd", event[1])
    return found


async def _one(piece: bytes) -> AsyncGenerator[bytes, None]:
    yield piece


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """How an answer refuses."""
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_run_is_told_to_its_own_tenant_and_to_another_like_one_that_is_not_there() -> None:
    async with opened() as (world, facts):
        await running(facts)
        await facts.write(printed("one\n", tenant_id=OURS))
        answer = await ask(world)
        assert [event["text"] for event in await told(answer)] == ["one\n"]
        assert answer.headers["cache-control"] == "no-store"
        theirs, nobodys = await ask(world, THEIR_TOKEN), await ask(world, execution_id=UNKNOWN)
        assert code_of(theirs) == code_of(nobodys) == (404, "EXECUTION_NOT_FOUND")
        assert code_of(await ask(world, execution_id="nonsense")) == (404, "EXECUTION_NOT_FOUND")


async def test_an_answer_is_gone_on_with_by_its_last_id_also_after_the_end() -> None:
    async with opened() as (world, facts):
        await running(facts)
        await facts.write(printed("one\n", tenant_id=OURS))
        ids = [line[4:] for line in (await ask(world)).text.splitlines() if line.startswith("id: ")]
        assert await told(await ask(world, since=ids[-1])) == []
        await facts.write(completed(tenant_id=OURS))
        await running(facts, "completed", result={"stdout": "one\ntwo\n"})
        found = await told(await ask(world, since=ids[-1]))
        assert [(event["type"], event.get("text")) for event in found] == [
            ("output", "two\n"),
            ("execution.completed", None),
        ]
        assert code_of(await ask(world, since="nonsense")) == (400, "INVALID_EVENT_ID")


async def test_it_demands_what_reading_the_execution_demands() -> None:
    async with opened() as (world, facts):
        await running(facts)
        assert (await ask(world, await signed_in(world, "viewer"))).status_code == 200
        assert code_of(await ask(world, await signed_in(world, "auditor"))) == (403, "FORBIDDEN")


async def test_a_caller_within_tags_is_told_of_runs_within_them_only() -> None:
    async with opened() as (world, facts):
        await running(facts)
        token = await signed_in(world, "developer", tags=("billing",))
        assert (await ask(world, token)).status_code == 200
        facts.read_model.jobs_by_id[uuid_of(1)] = job_row(1, "other")
        assert code_of(await ask(world, token)) == (404, "EXECUTION_NOT_FOUND")


async def test_it_takes_a_seat_as_any_stream_does() -> None:
    async with opened() as (world, facts):
        await running(facts)
        context = world.app.state.context
        assert isinstance(context, ApiContext)
        world.app.state.context = replace(context, streams=facts.desk(Bounds(Room(per_caller_count_max=0))))
        assert code_of(await ask(world)) == (429, "TOO_MANY_STREAMS")
