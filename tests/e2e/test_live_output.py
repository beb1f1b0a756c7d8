"""What a run prints is read while it goes on: over HTTP, from the command line and by the SDK; and no secret is."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

from horolog.client import AsyncClient, OutputEvent, command_job, function_job
from horolog.log.port import Place
from schemas.codec import decode
from schemas.events.output import OutputAppended
from schemas.jobs import JobDefinition
from schemas.topics import OUTPUT, partition_of
from tests.e2e.gate import Gate, gate
from tests.e2e.system import DEADLINE_S, PREFIX, TENANT, TOKEN, System, running
from tests.e2e.test_event_streams import NEVER, client_of
from tests.tidy.tree import ROOT

SECRET = "correct-horse-battery"
UNKNOWN = "6f1c1f7e-0000-4000-8000-000000000001"
Told = AsyncGenerator[OutputEvent, None]


def patient(closed: Gate, first: str = "echo first", then: str = "echo then") -> JobDefinition:
    """A command that prints, waits at the gate, and prints again."""
    return command_job("patient", NEVER, "/bin/sh", "-c", f"{first}; {closed.waiting()}; {then}")


async def begun(horolog: AsyncClient, definition: JobDefinition) -> str:
    """The id of a run of a new job."""
    job = await horolog.create_job(definition)
    return (await horolog.trigger_job(job.id)).id


async def next_text(told: Told) -> str:
    """What is told next."""
    return (await asyncio.wait_for(anext(told), DEADLINE_S)).body.text


async def test_the_first_line_is_read_while_the_run_goes_on_and_the_rest_at_its_end(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog, gate() as closed:
        run = await begun(horolog, patient(closed, first="echo first; echo oh >&2"))
        async with aclosing(horolog.follow_output(run)) as told:
            assert {await next_text(told), await next_text(told)} == {"first\n", "oh\n"}
            assert (await horolog.get_execution(run)).status == "running"
            closed.opened.set()
            assert [event.body.text async for event in told] == ["then\n"]
        ended = await horolog.get_execution(run)
        assert ended.result == {"stdout": "first\nthen\n", "stderr": "oh\n", "exitCode": 0}


async def test_it_is_read_from_the_command_line_and_written_once(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog, gate() as closed:
        run = await begun(horolog, patient(closed))
        environment = {**os.environ, "HOROLOG_URL": str(system.client.base_url), "HOROLOG_TOKEN": TOKEN}
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "horolog.cli", "exec", "tail", run, env=environment, cwd=ROOT, stdout=-1, stderr=-1
        )
        assert program.stdout is not None
        assert await asyncio.wait_for(program.stdout.readline(), DEADLINE_S) == b"first\n"
        closed.opened.set()
        rest, notes = await asyncio.wait_for(program.communicate(), DEADLINE_S)
        assert (program.returncode, rest) == (0, b"then\n"), notes
        assert notes.splitlines()[-1].split()[1:] == [b"completed"]


async def test_what_a_function_prints_is_read_while_it_goes_on(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog, gate() as closed:
        name = "tests.e2e.waiting_functions.print_and_wait"
        whole = function_job("waits", NEVER, name, {"port": closed.port})
        config = whole.config.model_copy(update={"registered": False})
        run = await begun(horolog, whole.model_copy(update={"config": config}))
        async with aclosing(horolog.follow_output(run)) as told:
            assert await next_text(told) == "first\n"
            closed.opened.set()
            assert await next_text(told) == "then\n"
        assert (await horolog.wait_for_execution(run)).metadata == {"stdout": "first\nthen\n"}


async def test_no_secret_is_in_what_is_told(migrated_database: str) -> None:
    """It is printed in two halves, each of which is told by itself."""
    halves = 'printf "<%.10s" "$SECRET"', 'printf "%s>" "$SECRET" | cut -c 11-'
    async with running(migrated_database) as system, client_of(system) as horolog, gate() as closed:
        whole = patient(closed, f'echo "$SECRET"; {halves[0]}', halves[1])
        config = whole.config.model_copy(update={"environment": {"SECRET": SECRET}})
        run = await begun(horolog, whole.model_copy(update={"config": config}))
        async with aclosing(horolog.follow_output(run)) as told:
            assert await next_text(told) == "********\n<"
            closed.opened.set()
            assert "".join([event.body.text async for event in told]) == "********>\n"
        pieces = await written(system)
        assert pieces
        assert "corr" not in str(pieces)


async def test_another_tenant_reads_nothing_of_it(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog, gate() as closed:
        run = await begun(horolog, patient(closed))
        answers = [await system.other.get(f"{PREFIX}/executions/{id_}/output/stream") for id_ in (run, UNKNOWN)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json()["error"] == answers[1].json()["error"]


async def written(system: System) -> list[OutputAppended]:
    """Everything that was told to the log."""
    place = Place(OUTPUT.name, partition_of(TENANT, system.log.partition_count))
    end = (await system.log.ends([place]))[place]
    records = [record async for batch in system.log.scan(place, 0, end) for record in batch]
    found = [decode(record.topic, record.headers, record.value) for record in records]
    return [one for one in found if isinstance(one, OutputAppended)]
