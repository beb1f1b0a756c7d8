"""Streams of events from a running system: real facts, over real connections, through breaks and to the end."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from horolog.client import AsyncClient, EventFilter, StreamEvent, command_job
from tests.e2e.system import DEADLINE_S, OTHER_TOKEN, TOKEN, System, running
from tests.tidy.tree import ROOT

NEVER = "0 0 0 1 1 *"
EVENTS = "/api/v1/events"
LIFE = ["execution.admitted", "attempt.dispatched", "attempt.started", "execution.completed"]
Events = AsyncGenerator[StreamEvent, None]


def client_of(system: System, token: str = TOKEN) -> AsyncClient:
    """A client of a tenant."""
    return AsyncClient(str(system.client.base_url), token)


async def until(events: Events, type_: str) -> list[StreamEvent]:
    """All events up to one of this type."""
    found: list[StreamEvent] = []
    async with asyncio.timeout(DEADLINE_S):
        while not found or found[-1].body.type != type_:
            found.append(await anext(events))
    return found


async def first(horolog: AsyncClient, where: EventFilter, since_id: str) -> StreamEvent:
    """The event after that id, over a connection of its own."""
    async with aclosing(horolog.follow_events(where, since_id)) as events:
        return await asyncio.wait_for(anext(events), DEADLINE_S)


async def here(client: httpx.AsyncClient) -> str:
    """The id of where things are: what is told after it is news."""
    answer = await client.get(EVENTS, params={"follow": "false"})
    return [line[4:] for line in answer.text.splitlines() if line.startswith("id: ")][-1]


async def test_a_run_is_told_step_by_step_and_each_step_shows_already(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        since = await here(system.client)
        job = await horolog.create_job(command_job("echo", NEVER, "/bin/sh", "-c", "sleep 0.1; echo done"))
        execution = await horolog.trigger_job(job.id)
        async with aclosing(horolog.follow_events(EventFilter(job_id=job.id), since)) as events:
            told = await until(events, "execution.completed")
        shown = await horolog.get_execution(execution.id)
        assert (shown.status, shown.result) == ("completed", {"stdout": "done\n", "stderr": "", "exitCode": 0})
        assert [one.body.type for one in told if one.body.execution_id == execution.id] == LIFE
        assert [one.body.name for one in told if one.body.type == "job.created"] == ["echo"]
        assert "done" not in str(told)


async def test_whoever_breaks_off_anywhere_misses_nothing_and_hears_nothing_twice(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        since = await here(system.client)
        wide = command_job("echo", NEVER, "/bin/sh", "-c", "true").model_copy(update={"max_concurrent": 5})
        job = await horolog.create_job(wide)
        where, told = EventFilter(("execution", "attempt"), job.id), list[StreamEvent]()
        runs = asyncio.gather(*(horolog.trigger_job(job.id) for _ in range(5)))
        # One connection for each event, while they happen.
        while [one.body.type for one in told].count("execution.completed") < 5:
            told.append(await first(horolog, where, told[-1].id if told else since))
        await runs
        whole = [one async for one in horolog.follow_events(where, since, follow=False)]
        assert [one.body for one in told] == [one.body for one in whole][: len(told)]
        assert len({(one.body.execution_id, one.body.seq) for one in whole}) == len(whole)


async def test_another_tenant_hears_nothing_and_cannot_go_on_from_ids_of_ours(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog, client_of(system, OTHER_TOKEN) as he:
        since, theirs = await here(system.client), await here(system.other)
        job = await horolog.create_job(command_job("ours", NEVER, "/bin/sh", "-c", "true"))
        assert [one.body.job_id async for one in horolog.follow_events(since_id=since, follow=False)] == [job.id]
        assert [one async for one in he.follow_events(since_id=theirs, follow=False)] == []
        answer = await system.other.get(EVENTS, headers={"Last-Event-ID": since})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_EVENT_ID")


async def test_streams_end_with_a_last_event_when_the_system_does(migrated_database: str) -> None:
    ends: list[asyncio.Task[str]] = []

    async def read(system: System, opened: asyncio.Event) -> str:
        async with system.client.stream("GET", EVENTS) as answer:
            text = ""
            async for piece in answer.aiter_text():
                text += piece
                opened.set()
            return text

    async with running(migrated_database) as system:
        opened = asyncio.Event()
        ends.append(asyncio.create_task(read(system, opened)))
        await asyncio.wait_for(opened.wait(), DEADLINE_S)
    [text] = await asyncio.gather(*ends)
    assert text.startswith("retry: 2000\nid: ")
    assert '"code":"SHUTTING_DOWN"' in text


async def test_an_execution_is_followed_from_the_command_line(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        job = await horolog.create_job(command_job("patient", NEVER, "/bin/sh", "-c", "sleep 100"))
        execution = await horolog.trigger_job(job.id)
        environment = {**os.environ, "HOROLOG_URL": str(system.client.base_url), "HOROLOG_TOKEN": TOKEN}
        words = ("-m", "horolog.cli", "exec", "tail", execution.id)
        program = await asyncio.create_subprocess_exec(
            sys.executable, *words, env=environment, cwd=ROOT, stdout=-1, stderr=-1
        )
        assert program.stderr is not None
        first = await asyncio.wait_for(program.stderr.readline(), DEADLINE_S)
        assert first.split()[-1] in (b"pending", b"running")
        await horolog.cancel_execution(execution.id, reason="enough")
        output, notes = await asyncio.wait_for(program.communicate(), DEADLINE_S)
        assert (program.returncode, output) == (1, b""), notes
        assert b"execution.cancelled" in notes
        assert notes.splitlines()[-1].split()[1:] == [b"cancelled", b"requested"]
