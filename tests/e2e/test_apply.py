"""`horolog apply` and `horolog export` against the whole system: once, twice, in between, and in another tenant."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from horolog.adapters.system import RandomIds
from horolog.cli.apply_command import present_jobs
from horolog.cli.applying.carrying_out import Outcome, carry_out
from horolog.cli.applying.job_files import Source, read_jobs
from horolog.cli.applying.plan import Plan, PresentJob, Rules, plan
from horolog.cli.client import Client
from horolog.cli.connection import Connection
from tests.e2e.system import OTHER_TOKEN, PREFIX, TOKEN, System, command_job, job, running

SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "jobs.yaml"
DEADLINE_S = 60.0


async def horolog(system: System, *words: str, token: str = TOKEN) -> tuple[int, str, str]:
    """The exit code of a command about a tenant's jobs, what it wrote and what it said beside."""
    place = {"HOROLOG_URL": str(system.client.base_url), "HOROLOG_TOKEN": token}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "horolog.cli", *words,
        env={**os.environ, **place}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def jobs(system: System) -> list[dict[str, Any]]:
    """The first tenant's jobs, by name."""
    items: list[dict[str, Any]] = (await system.client.get(f"{PREFIX}/jobs")).json()["items"]
    return sorted(items, key=lambda item: str(item["name"]))


def written(path: Path, *entries: dict[str, Any]) -> str:
    path.write_text(json.dumps({"jobs": entries}), encoding="utf-8")
    return str(path)


def planned(system: System, *entries: dict[str, Any]) -> tuple[Plan, list[PresentJob]]:
    """The plan from what is there now, and what is there."""
    wanted = read_jobs([Source("jobs.json", json.dumps(entries))])
    assert wanted.problems == ()
    there = with_client(system, present_jobs)
    return plan(wanted.jobs, there, Rules()), there


def with_client(system: System, use: Any) -> Any:
    with httpx.Client(trust_env=False, timeout=DEADLINE_S) as http:
        return use(Client(Connection(str(system.client.base_url).rstrip("/"), TOKEN), http, RandomIds()))


def carried_out(system: System, steps: Plan, there: list[PresentJob]) -> list[Outcome]:
    known = frozenset(one.job_id for one in there)
    outcomes: list[Outcome] = with_client(system, lambda client: list(carry_out(client, steps.steps, known)))
    return outcomes


async def test_the_sample_is_applied_once_and_exported_to_another_tenant_as_the_same_bytes(
    migrated_database: str, tmp_path: Path
) -> None:
    async with running(migrated_database) as system:
        code, out, _ = await horolog(system, "apply", "-f", str(SAMPLE), "--set", "sample", "--dry-run")
        assert (code, out.splitlines()[-1], await jobs(system)) == (2, "3 to create, 0 unchanged.", [])
        code, out, _ = await horolog(system, "apply", "-f", str(SAMPLE), "--set", "sample")
        assert (code, out.splitlines()[-1]) == (0, "3 created.")
        assert [one["tags"] for one in await jobs(system)][1] == ["nightly", "applied:sample"]
        code, out, _ = await horolog(system, "apply", "-f", str(SAMPLE), "--set", "sample", "--prune")
        assert (code, out) == (0, "Nothing to do: all 3 jobs are as the files say.\n")
        first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
        assert (await horolog(system, "export", "-o", str(first)))[0] == 0
        assert (await horolog(system, "apply", "-f", str(first), token=OTHER_TOKEN))[0] == 0
        assert (await horolog(system, "export", "-o", str(second), token=OTHER_TOKEN))[0] == 0
        assert first.read_bytes() == second.read_bytes()


async def test_changes_are_made_and_what_left_the_files_is_pruned(migrated_database: str, tmp_path: Path) -> None:
    async with running(migrated_database) as system:
        file = written(tmp_path / "jobs.json", job(name="a"), job(name="b"))
        await system.client.post(f"{PREFIX}/jobs", json=job(name="by hand"))
        await horolog(system, "apply", "-f", file, "--set", "ours")
        written(tmp_path / "jobs.json", job(name="a", priority=5))
        words = ("apply", "-f", file, "--set", "ours", "--prune", "--json")
        assert (await horolog(system, *words))[0] == 2
        code, out, _ = await horolog(system, *words, "--yes")
        results = [(step["name"], step["result"]) for step in json.loads(out)["steps"]]
        assert (code, results) == (0, [("a", "changed"), ("b", "deleted")])
        assert [(one["name"], one["priority"], one["version"]) for one in await jobs(system)] == [
            ("a", 5, 2), ("by hand", 0, 1),
        ]  # fmt: skip


async def test_a_change_of_somebody_else_in_between_is_a_conflict_and_stays(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        place = f"{PREFIX}/jobs/{(await system.client.post(f'{PREFIX}/jobs', json=job(name='a'))).json()['id']}"
        steps, there = await asyncio.to_thread(planned, system, job(name="a", priority=5))
        await system.client.put(place, json=job(name="a", priority=9))
        outcomes = await asyncio.to_thread(carried_out, system, steps, there)
        assert [outcome.result for outcome in outcomes] == ["conflict"]
        assert (await jobs(system))[0]["priority"] == 9


async def test_a_run_that_is_repeated_after_a_crash_makes_nothing_twice(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        steps, there = await asyncio.to_thread(planned, system, job(name="a"), job(name="b"))
        first = await asyncio.to_thread(carried_out, system, steps, there)
        again = await asyncio.to_thread(carried_out, system, steps, there)
        assert [one.job_id for one in first] == [one.job_id for one in again]
        assert [one["name"] for one in await jobs(system)] == ["a", "b"]
        await system.client.delete(f"{PREFIX}/jobs/{first[0].job_id}")
        steps, there = await asyncio.to_thread(planned, system, job(name="a"), job(name="b"))
        (anew, _) = await asyncio.to_thread(carried_out, system, steps, there)
        assert (anew.result, anew.job_id == first[0].job_id) == ("created", False)
        assert [one["name"] for one in await jobs(system)] == ["a", "b"]


async def test_secret_values_are_refused_kept_or_sent_and_an_export_has_their_place(
    migrated_database: str, tmp_path: Path
) -> None:
    async with running(migrated_database) as system:
        body = command_job("true", name="a")
        body["config"]["environment"] = {"PASSWORD": "hunter2"}
        file = written(tmp_path / "jobs.json", body)
        code, _, err = await horolog(system, "apply", "-f", file)
        assert (code, "config.environment.PASSWORD: is kept secret" in err, await jobs(system)) == (1, True, [])
        assert (await horolog(system, "apply", "-f", file, "--secrets", "keep"))[0] == 0
        code, out, err = await horolog(system, "apply", "-f", file, "--secrets", "keep")
        assert (code, "Nothing to do" in out, "cannot be compared" in err) == (0, True, True)
        assert (await horolog(system, "apply", "-f", file, "--secrets", "send", "--dry-run"))[0] == 2
        exported = str(tmp_path / "out.yaml")
        _, _, err = await horolog(system, "export", "-o", exported)
        assert "a new job needs secret://name there" in err
        assert (await horolog(system, "apply", "-f", exported))[0] == 0
        code, _, err = await horolog(system, "apply", "-f", exported, token=OTHER_TOKEN)
        assert (code, "config.environment.PASSWORD is the mask" in err, "hunter2" in err) == (1, True, False)


async def test_a_definition_that_the_tenant_may_not_have_is_told_and_the_rest_made(
    migrated_database: str, tmp_path: Path
) -> None:
    async with running(migrated_database) as system:
        wrong = job(name="wrong", jobType="command", config={"command": "/bin/forbidden"})
        code, out, _ = await horolog(system, "apply", "-f", written(tmp_path / "jobs.json", wrong, job(name="good")))
        assert (code, out.splitlines()[-1]) == (1, "1 refused, 1 created.")
        assert [one["name"] for one in await jobs(system)] == ["good"]
