"""Commands: once only, answered when in force, and honestly when nobody answers."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.api.world import JOB, START, THEIR_TOKEN, World, open_world

KEYED = {"Idempotency-Key": "nightly-1"}


async def test_repeat_with_the_same_key_is_answered_with_the_first_ones_job(world: World) -> None:
    first = await world.ask("POST", "/jobs", JOB, headers=KEYED)
    again = await world.ask("POST", "/jobs", dict(reversed(JOB.items())), headers=KEYED)
    assert (again.status_code, again.json(), again.headers["etag"]) == (201, first.json(), first.headers["etag"])
    assert len(world.read_model.jobs_by_id) == len(world.log.commands) == 1


async def test_repeat_of_a_trigger_runs_nothing_twice(world: World) -> None:
    job = await world.created()
    answers = [await world.ask("POST", f"/jobs/{job['id']}/trigger", headers=KEYED) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(world.read_model.executions_by_id) == 1


async def test_same_key_with_another_body_is_refused(world: World) -> None:
    await world.ask("POST", "/jobs", JOB, headers=KEYED)
    answer = await world.ask("POST", "/jobs", {**JOB, "name": "other"}, headers=KEYED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_same_key_at_another_address_is_refused(world: World) -> None:
    job = (await world.ask("POST", "/jobs", JOB, headers=KEYED)).json()
    answer = await world.ask("POST", f"/jobs/{job['id']}/pause", headers=KEYED)
    assert answer.status_code == 409


async def test_keys_of_two_tenants_have_nothing_to_do_with_each_other(world: World) -> None:
    ours = await world.ask("POST", "/jobs", JOB, headers=KEYED)
    theirs = await world.ask("POST", "/jobs", {**JOB, "name": "theirs"}, headers=KEYED, token=THEIR_TOKEN)
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["id"] != theirs.json()["id"]


async def test_requests_without_a_key_are_two_requests(world: World) -> None:
    assert (await world.created())["id"] != (await world.created())["id"]


async def test_repeat_after_the_job_is_gone_tells_that_it_is_gone(world: World) -> None:
    job = (await world.ask("POST", "/jobs", JOB, headers=KEYED)).json()
    await world.ask("DELETE", f"/jobs/{job['id']}")
    assert (await world.ask("POST", "/jobs", JOB, headers=KEYED)).status_code == 404


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INVALID_CRON_EXPRESSION", 422),
        ("INVALID_JOB_CONFIG", 422),
        ("JOB_NOT_FOUND", 404),
        ("JOB_ALREADY_RUNNING", 409),
        ("JOB_NOT_ACTIVE", 409),
        ("IDEMPOTENCY_KEY_REUSED", 409),
        ("VERSION_CONFLICT", 412),
        ("QUOTA_EXCEEDED", 429),
        ("LOCK_ACQUISITION_FAILED", 503),
        ("SOMETHING_NEW", 409),
    ],
)
async def test_rejection_has_the_status_of_its_code(world: World, code: str, status: int) -> None:
    job = await world.created()
    world.log.reject_with = code
    answer = await world.ask("POST", f"/jobs/{job['id']}/trigger")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("retry-after" in answer.headers) is (status in (429, 503))


async def test_answer_waits_until_what_it_forbids_can_no_longer_start(world: World) -> None:
    job = await world.created()
    world.log.effective_at = START + timedelta(seconds=0.25)
    await world.ask("POST", f"/jobs/{job['id']}/pause")
    assert world.clock.slept_s == [0.25]


async def test_answer_waits_until_the_rows_can_be_read() -> None:
    async with open_world() as world:
        world.log.silent = True
        asking = asyncio.create_task(world.ask("POST", "/jobs", JOB))
        async with asyncio.timeout(10):
            await world.read_model.asked.wait()
        (command,) = world.log.commands
        world.log.apply(command)
        shown = world.read_model.outcomes_by_id[command.command_id]
        world.read_model.outcomes_by_id[command.command_id] = replace(shown, visible=False)
        for _ in range(2):
            world.read_model.asked.clear()
            async with asyncio.timeout(10):
                await world.read_model.asked.wait()
        assert not asking.done()
        world.read_model.outcomes_by_id[command.command_id] = shown
        assert (await asking).status_code == 201


async def test_without_an_owner_the_caller_learns_it_and_may_ask_again() -> None:
    async with open_world(wait_s=0.05) as world:
        world.log.silent = True
        answer = await world.ask("POST", "/jobs", JOB, headers=KEYED)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LOCK_ACQUISITION_FAILED")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"]["details"] == {"commandId": world.log.commands[0].command_id}
        world.log.apply(world.log.commands[0])
        again = await world.ask("POST", "/jobs", JOB, headers=KEYED)
        assert again.status_code == 201
        assert len(world.log.commands) == 1


async def test_without_the_log_nothing_is_promised(world: World) -> None:
    world.log.unreachable = True
    answer = await world.ask("POST", "/jobs", JOB)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LOG_UNAVAILABLE")
    assert "commandId" in answer.json()["error"]["details"]


async def test_without_the_database_reads_say_so(world: World) -> None:
    job = await world.created()
    world.read_model.gone = True
    places = (f"/jobs/{job['id']}", "/jobs", "/executions", "/executions/stats", "/status", "/metrics", "/queues")
    for place in (*places, "/workers"):
        answer = await world.ask("GET", place)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")
        assert "retry-after" in answer.headers


async def test_without_the_database_a_command_is_written_and_its_outcome_open() -> None:
    async with open_world(wait_s=0.05) as world:
        world.read_model.gone = True
        answer = await world.ask("POST", "/jobs", JOB, headers=KEYED)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LOCK_ACQUISITION_FAILED")
        world.read_model.gone = False
        assert (await world.ask("POST", "/jobs", JOB, headers=KEYED)).status_code == 201


@pytest.mark.parametrize("prefer", ["respond-async", "wait=5, Respond-Async", "respond-async; x=1"])
async def test_caller_who_prefers_not_to_wait_is_answered_at_once(world: World, prefer: str) -> None:
    world.log.silent = True
    answer = await world.ask("POST", "/jobs", JOB, headers={"Prefer": prefer})
    (command,) = world.log.commands
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    assert (answer.json()["commandId"], answer.json()["status"]) == (command.command_id, "accepted")
    place = f"/commands/{command.command_id}"
    assert answer.json()["links"]["self"].endswith(place)
    assert (await world.ask("GET", place)).status_code == 404
    world.log.apply(command)
    known = (await world.ask("GET", place)).json()
    assert (known["status"], known["links"]["job"].rpartition("/")[2]) == ("applied", command.subject())


async def test_rejected_command_can_be_looked_up_by_its_own_tenant_only(world: World) -> None:
    job = await world.created()
    world.log.reject_with = "JOB_NOT_ACTIVE"
    await world.ask("POST", f"/jobs/{job['id']}/trigger")
    place = f"/commands/{world.log.commands[-1].command_id}"
    answer = (await world.ask("GET", place)).json()
    assert (answer["status"], answer["error"]["code"]) == ("rejected", "JOB_NOT_ACTIVE")
    assert (await world.ask("GET", place, token=THEIR_TOKEN)).status_code == 404


async def test_command_whose_rows_cannot_be_read_yet_is_accepted_but_not_applied(world: World) -> None:
    await world.created()
    id_ = world.log.commands[0].command_id
    outcomes = world.read_model.outcomes_by_id
    outcomes[id_] = replace(outcomes[id_], visible=False)
    assert (await world.ask("GET", f"/commands/{id_}")).json()["status"] == "accepted"
