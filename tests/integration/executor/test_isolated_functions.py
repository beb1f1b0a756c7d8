"""Functions of a whole worker are kept apart, too: from the worker, and those of one tenant from another's."""

from schemas.events.results import SuccessReported
from schemas.events.workers import WorkerBeat
from schemas.isolation import Isolation
from schemas.jobs import FunctionConfig
from services.executor.runners.function import FunctionRunner
from tests.integration.executor.conftest import KEPT_COUNT
from tests.integration.executor.test_whole_worker import working
from tests.integration.executor.watching import TENANT_ID, Watching, outcome_of, own_variable, task_of

OTHER_TENANT = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
PID = FunctionConfig(module_path="sample_functions", function_name="pid")


async def test_a_function_that_runs_any_program_reaches_nothing_of_the_worker() -> None:
    """n8n CVE-2025-68668 and CVE-2026-49444 (ways out of a sandbox within Python): the process is the sandbox."""
    name = own_variable().partition("=")[0]
    async with working() as (colleague, _):
        config = FunctionConfig(
            module_path="subprocess",
            function_name="getoutput",
            parameters={"cmd": f"grep -lz ^{name}= /proc/[0-9]*/environ | wc -l; touch /usr/x /etc/x; id -u"},
        )
        await colleague.send(task_of(config))
        *lines, user_id = str((await colleague.hear(SuccessReported)).result).splitlines()
        assert user_id != "0"
        assert "0" in lines
        assert len([line for line in lines if line.startswith("touch:")]) == 2


async def test_the_beat_tells_the_level() -> None:
    async with working() as (colleague, _):
        assert (await colleague.hear(WorkerBeat)).isolation == Isolation.NAMESPACES


async def _pid_of(functions: FunctionRunner, tenant_id: str) -> object:
    watching = Watching()
    functions.start(task_of(PID).model_copy(update={"tenant_id": tenant_id}), watching)
    return (await watching.end()).result


async def test_no_two_tenants_share_a_process(functions: FunctionRunner) -> None:
    first = (await outcome_of(functions, PID)).result
    other = await _pid_of(functions, OTHER_TENANT)
    assert other != first
    assert await _pid_of(functions, TENANT_ID) == first
    assert await _pid_of(functions, OTHER_TENANT) == other


def _tenants(count: int) -> list[str]:
    return [f"{number:08d}-dddd-4ddd-8ddd-dddddddddddd" for number in range(count)]


async def test_more_tenants_than_run_at_a_time_find_their_processes_again(functions: FunctionRunner) -> None:
    tenants = _tenants(KEPT_COUNT)
    assert len(tenants) > functions.capacity
    pids = [await _pid_of(functions, tenant) for tenant in tenants]
    assert len(set(map(str, pids))) == len(tenants)
    assert [await _pid_of(functions, tenant) for tenant in reversed(tenants)] == pids[::-1]
    assert functions.idle_tenants() == set(tenants)


async def test_an_idle_process_of_another_tenant_makes_room_when_as_many_are_there_as_are_kept(
    functions: FunctionRunner,
) -> None:
    *tenants, last = _tenants(KEPT_COUNT + 1)
    pids = [await _pid_of(functions, tenant) for tenant in tenants]
    assert not functions.has_room_for(last)
    assert functions.has_room_for(tenants[0])
    await _pid_of(functions, last)
    assert len(functions.idle_tenants()) == KEPT_COUNT
    assert last in functions.idle_tenants()
    (gone,) = set(tenants) - functions.idle_tenants()
    assert await _pid_of(functions, gone) not in pids
