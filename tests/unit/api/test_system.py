"""The scheduler's own state: owners, figures, queues, workers, health."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from horolog.runtime.resources import resident_bytes
from projections.views import AuditSinkView
from tests.unit.api.world import START, World, open_world


async def test_status_tells_owners_and_what_nobody_owns(world: World) -> None:
    assert (await world.ask("GET", "/status")).json()["status"] == "running"
    stale = replace(world.read_model.owner_rows[0], last_checkpoint_at=START - timedelta(seconds=21))
    world.read_model.owner_rows[0] = stale
    del world.read_model.owner_rows[-1]
    status = (await world.ask("GET", "/status")).json()
    assert (status["status"], status["unowned"]) == ("degraded", ["dispatcher/3", "ticker/0"])
    assert (status["owners"][0]["live"], status["owners"][0]["ageSeconds"]) == (False, 21.0)


async def test_metrics_are_the_tenants_figures(world: World) -> None:
    job = await world.created()
    await world.ask("POST", f"/jobs/{(await world.created())['id']}/pause")
    id_ = (await world.ask("POST", f"/jobs/{job['id']}/trigger")).json()["id"]
    rows = world.read_model.executions_by_id
    rows[id_] = replace(rows[id_], status="failed", scheduled_at=START - timedelta(minutes=1))
    figures = (await world.ask("GET", "/metrics")).json()
    assert (figures["totalJobs"], figures["activeJobs"], figures["pausedJobs"]) == (2, 1, 1)
    assert (figures["totalExecutions"], figures["failedExecutions"], figures["errorRate"]) == (1, 1, 1.0)
    assert (figures["activeWorkers"], figures["queueLength"], figures["averageExecutionTime"]) == (1, 0, 12.5)


async def test_queue_tells_how_long_its_oldest_has_waited(world: World) -> None:
    job = await world.created()
    await world.ask("POST", f"/jobs/{job['id']}/trigger")
    world.clock.at += timedelta(seconds=8)
    (queue,) = (await world.ask("GET", "/queues")).json()["queues"]
    assert (queue["queueName"], queue["pendingCount"], queue["oldestPendingAgeSeconds"]) == ("executions", 1, 8.0)


async def test_worker_that_is_silent_for_a_lease_is_not_live(world: World) -> None:
    (worker,) = world.read_model.worker_rows
    silent = replace(worker, worker_id="worker-2", last_beat_at=START - timedelta(seconds=11))
    world.read_model.worker_rows = [worker, silent, replace(worker, worker_id="worker-3", state="stopped")]
    workers = (await world.ask("GET", "/workers")).json()["workers"]
    assert [one["setAside"] for one in workers] == [[], [], []]
    assert {one["workerId"]: one["live"] for one in workers} == {"worker-1": True, "worker-2": False, "worker-3": False}


async def test_health_tells_every_dependency(world: World) -> None:
    await world.created()
    answer = await world.ask("GET", "/health", token=None)
    health = answer.json()
    assert (answer.status_code, health["status"], health["port"]) == (200, "healthy", 3009)
    assert health["dependencies"]["redis"] == "disabled"
    assert health["dependencies"]["services"] == dict.fromkeys(("ticker", "dispatcher", "executor"), "healthy")
    assert health["metrics"] == {"activeJobs": 1, "queueSize": 0, "memoryUsage": 64 * 1024 * 1024}


@pytest.mark.parametrize("part", ["database", "jobQueue", "distributedLock"])
async def test_system_is_unhealthy_without_what_it_needs(world: World, part: str) -> None:
    world.read_model.gone = part == "database"
    world.log.unreachable = part == "jobQueue"
    if part == "distributedLock":
        del world.read_model.owner_rows[0]
    answer = await world.ask("GET", "/health", token=None)
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
    assert answer.json()["dependencies"][part] == "unhealthy"


async def test_system_is_healthy_without_redis() -> None:
    async def refuse() -> None:
        raise ConnectionError

    async with open_world(ports={"cache_ping": refuse}) as world:
        answer = await world.ask("GET", "/health", token=None)
    assert (answer.status_code, answer.json()["dependencies"]["redis"]) == (200, "unhealthy")


async def test_chains_that_the_audit_service_does_not_take_are_told_and_make_nothing_unhealthy(world: World) -> None:
    answer = await world.ask("GET", "/health", token=None)
    assert (answer.json()["dependencies"]["auditSink"], answer.json()["problems"]) == ("disabled", [])
    for held, word in ((0, "healthy"), (2, "unhealthy")):
        world.read_model.sink = AuditSinkView(3, held)
        world.clock.at += timedelta(seconds=1)
        answer = await world.ask("GET", "/health", token=None)
        assert (answer.status_code, answer.json()["dependencies"]["auditSink"]) == (200, word)
    (problem,) = answer.json()["problems"]
    assert "2 of 3 chains" in problem


async def test_dependency_that_hangs_counts_as_gone() -> None:
    async with open_world(ports={"cache_ping": _hang}) as world:
        async with asyncio.timeout(20):
            answer = await world.ask("GET", "/health", token=None)
    assert answer.json()["dependencies"]["redis"] == "unhealthy"


async def test_health_is_asked_once_a_second_however_many_want_it(world: World) -> None:
    await asyncio.gather(*(world.ask("GET", "/health", token=None) for _ in range(20)))
    world.log.unreachable = True
    assert (await world.ask("GET", "/internal/health")).status_code == 200
    world.clock.at += timedelta(seconds=1)
    assert (await world.ask("GET", "/internal/health")).status_code == 503


def test_memory_is_a_plausible_number_of_bytes() -> None:
    assert 1024 * 1024 < resident_bytes() < 2**40


async def _hang() -> None:
    await asyncio.Event().wait()
