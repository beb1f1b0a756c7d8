"""Somebody else's program, with librdkafka and `docs/wire.md` alone, has jobs run and reads what came of them."""

import ast
import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from tests.faults.deployment import COMMAND_KEY, TENANT, deployed
from tests.integration.wire import stranger
from tests.integration.wire.stranger import Fact, Stranger, World
from tests.tidy.names import imported_modules
from tests.tidy.tree import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

NEW_ID = RandomIds().new
ROLES = ("ticker", "dispatcher", "executor")
OURS = {"horolog", "services", "projections", "schemas"}
CREATE, TRIGGER = "io.horolog.job.create.v1", "io.horolog.job.trigger.v1"
SUSPEND = "io.horolog.tenant.suspend.v1"
KEY, UNKNOWN_KEY = "of-the-stranger-alone-0123456789-ABCDEF", "of-nobody-at-all-0123456789-ABCDEFGHIJKL"
SETTINGS = {"HOROLOG_COMMAND_KEYS": f"{COMMAND_KEY},{KEY}=stranger:{TENANT}"}
ACCEPTED, REJECTED = "io.horolog.command.accepted.v1", "io.horolog.command.rejected.v1"
REFUSED, COMPLETED = "io.horolog.record.refused.v1", "io.horolog.execution.completed.v1"
DEFINITION: dict[str, Any] = {
    "name": "said by a stranger",
    "cronExpression": "0 0 0 1 1 *",
    "jobType": "command",
    "config": {"command": "/bin/sh", "args": ["-c", "echo done"]},
}


@pytest.fixture
def client(kafka_bootstrap: str, migrated_database: str, tmp_path: Path) -> Iterator[Stranger]:
    """A stranger beside a running system: every service a process of its own, on a real Kafka."""
    prefix = f"wire-{os.getpid()}-{tmp_path.name}."
    with deployed(kafka_bootstrap, migrated_database, prefix, tmp_path, roles=ROLES, settings=SETTINGS):
        yield Stranger(World(SystemClock().now, NEW_ID), kafka_bootstrap, prefix, TENANT, KEY)


def test_the_stranger_uses_nothing_of_ours() -> None:
    modules = imported_modules(ast.parse(Path(stranger.__file__).read_text(encoding="utf-8")))
    assert {name.partition(".")[0] for _, name in modules} & (OURS | {"tests"}) == set()


async def test_a_command_of_a_stranger_is_carried_out_and_its_facts_can_be_read(client: Stranger) -> None:
    facts, partitions = await asyncio.to_thread(_have_a_job_run, client)
    vectors = json.loads((ROOT / "tests/golden/partitions.json").read_text(encoding="utf-8"))["vectors"]
    [home] = [one["partitions"]["4"] for one in vectors if one["key"] == TENANT]
    assert {*partitions, *(fact.partition for fact in facts)} == {home}
    assert [fact.type for fact in facts if fact.topic == "outcomes.v1"] == [ACCEPTED, ACCEPTED]
    [created] = [fact for fact in facts if fact.topic == "jobs.v1"]
    assert created.value["job"]["definition"]["name"] == DEFINITION["name"]
    steps = [fact for fact in facts if fact.topic == "executions.v1"]
    assert [step.value["seq"] for step in steps] == list(range(1, len(steps) + 1))
    assert steps[0].type == "io.horolog.execution.admitted.v1"
    assert steps[-1].value["result"]["stdout"] == "done\n"


def _have_a_job_run(client: Stranger) -> tuple[list[Fact], list[int]]:
    job_id = NEW_ID()
    create = client.command(CREATE, jobId=job_id, definition=DEFINITION)
    trigger = client.command(TRIGGER, jobId=job_id, reason="a stranger said so")
    partitions = [client.send(CREATE, create, job_id), client.send(TRIGGER, trigger, job_id)]
    # The ledger alone tells the end; by then everything else is in the log.
    client.facts_until(("executions.v1",), lambda fact: fact.type == COMPLETED)
    topics = ("outcomes.v1", "jobs.v1", "executions.v1")
    waited_for = {create["commandId"], trigger["commandId"], job_id, COMPLETED}

    def is_last(fact: Fact) -> bool:
        waited_for.difference_update({fact.key, fact.type})
        return not waited_for

    return client.facts_until(topics, is_last), partitions


async def test_a_repeat_has_no_second_effect_and_what_makes_no_sense_is_told(client: Stranger) -> None:
    letter, outcomes, commands = await asyncio.to_thread(_repeat_and_err, client)
    once, nonsense, malformed = commands
    assert [(fact.type, fact.key) for fact in outcomes] == [
        (ACCEPTED, once["commandId"]),
        (REJECTED, nonsense["commandId"]),
    ]
    assert outcomes[1].value["code"] == "INVALID_CRON_EXPRESSION"
    assert (letter.value["topic"], letter.value["partition"]) == ("commands.v1", letter.partition)
    assert "shoeSize" in letter.value["reason"]
    assert malformed["commandId"] not in {fact.key for fact in outcomes}


def _repeat_and_err(client: Stranger) -> tuple[Fact, list[Fact], list[dict[str, Any]]]:
    job_id, other_id = NEW_ID(), NEW_ID()
    once = client.command(CREATE, jobId=job_id, definition=DEFINITION)
    malformed = {**client.command(CREATE, jobId=other_id, definition=DEFINITION), "shoeSize": 42}
    nonsense = client.command(CREATE, jobId=other_id, definition={**DEFINITION, "cronExpression": "never"})
    for asked in (once, once, malformed, nonsense):
        client.send(CREATE, asked, asked["jobId"])
    outcomes = client.facts_until(("outcomes.v1",), lambda fact: fact.key == nonsense["commandId"])
    letter = client.facts_until(("dlq.v1",), lambda fact: fact.type == REFUSED)[-1]
    return letter, outcomes, [once, nonsense, malformed]


def test_seals_are_those_of_the_golden_file() -> None:
    vectors = json.loads((ROOT / "tests/golden/command_seals.json").read_text(encoding="utf-8"))["vectors"]
    assert [stranger.seal_of(one["key"], one["type"], one["value"].encode()) for one in vectors] == [
        one["seal"] for one in vectors
    ]


async def test_what_its_key_is_not_for_has_no_effect_and_is_told(client: Stranger) -> None:
    letters, outcomes = await asyncio.to_thread(_overreach, client)
    assert [letter.value["reason"] for letter in letters] == [
        "nobody who may give commands has sealed the record with a key that is known here",
        "the key of stranger gives commands as service:stranger only",
        "the key of stranger is for jobs and executions, not for what tenants may do",
    ]
    assert [fact.type for fact in outcomes] == [ACCEPTED]


def _overreach(client: Stranger) -> tuple[list[Fact], list[Fact]]:
    job_id = NEW_ID()
    create = client.command(CREATE, jobId=job_id, definition=DEFINITION)
    client.send(CREATE, create, job_id, UNKNOWN_KEY)
    client.send(CREATE, {**create, "actor": "user:admin"}, job_id)
    client.send(SUSPEND, client.command(SUSPEND), TENANT)
    # The same command: what was refused before has not used up its id.
    client.send(CREATE, create, job_id)
    outcomes = client.facts_until(("outcomes.v1",), lambda fact: fact.key == create["commandId"])
    left = [3]

    def is_last(_: Fact) -> bool:
        left[0] -= 1
        return left[0] == 0

    return client.facts_until(("dlq.v1",), is_last), outcomes
