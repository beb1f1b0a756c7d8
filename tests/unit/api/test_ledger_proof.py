"""The ledger's proof over HTTP: one tenant's, bounded, and told in one shape."""

from datetime import timedelta

import pytest

from horolog.verify import JobHistory, ScheduleVersion
from tests.unit.api.world import OURS, START, THEIR_TOKEN, THEIRS, UNKNOWN, World

OUR_JOB = "00000001-0000-4000-8000-000000000000"
EFFECTIVE_S = (START - timedelta(days=3)).timestamp()


def owing(world: World, expression: str = "0 0 * * * *", tenant: str = OURS) -> None:
    """A job that has owed instants for three days, of which no row tells."""
    world.read_model.histories.append(JobHistory(OUR_JOB, tenant, (ScheduleVersion(EFFECTIVE_S, expression, "UTC"),)))


async def test_ledger_of_a_tenant_without_jobs_is_clean(world: World) -> None:
    report = (await world.ask("GET", "/ledger/verify")).json()
    assert (report["clean"], report["jobCount"], report["findings"]) == (True, 0, [])
    assert report["from"] == "2026-02-28T12:00:00Z"
    assert (report["to"], report["leftOutFrom"]) == ("2026-03-01T11:58:00Z", "2026-03-01T11:58:00Z")


async def test_missing_rows_are_told_with_their_number(world: World) -> None:
    owing(world)
    report = (await world.ask("GET", "/ledger/verify?from=2026-03-01T00:00:00Z&to=2026-03-01T06:00:00%2B01:00")).json()
    assert (report["clean"], report["counts"]["missing"], report["leftOutFrom"]) == (False, 5, None)
    (finding,) = report["findings"]
    assert (finding["kind"], finding["jobId"], finding["count"]) == ("missing", OUR_JOB, 5)
    assert (finding["first"], finding["last"]) == ("2026-03-01T00:00:00Z", "2026-03-01T04:00:00Z")


async def test_proof_is_about_the_callers_tenant_and_the_job_asked_for(world: World) -> None:
    owing(world, tenant=THEIRS)
    assert (await world.ask("GET", "/ledger/verify")).json()["jobCount"] == 0
    assert (await world.ask("GET", "/ledger/verify", token=THEIR_TOKEN)).json()["jobCount"] == 1
    assert (await world.ask("GET", f"/ledger/verify?jobId={UNKNOWN}", token=THEIR_TOKEN)).json()["jobCount"] == 0


async def test_window_with_too_much_in_it_is_refused(world: World) -> None:
    owing(world, "* * * * * *")
    for query in ("from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:01Z", "from=2026-02-20T00:00:00Z"):
        answer = await world.ask("GET", f"/ledger/verify?{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "LEDGER_WINDOW_TOO_LARGE")


@pytest.mark.parametrize("query", ["from=yesterday", "jobId=7", "form=2026-01-01T00:00:00Z", "to=0001-01-01T00:00:00Z"])
async def test_question_that_makes_no_sense_is_refused_or_empty(world: World, query: str) -> None:
    answer = await world.ask("GET", f"/ledger/verify?{query}")
    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["9999-12-31T23:59:59.5Z&to=9999-12-31T23:59:59.9Z", "0001-01-01&to=0001-01-02"])
async def test_ends_of_time_are_windows_without_instants(world: World, query: str) -> None:
    dated = query.replace("0001-01-01", "0001-01-01T00:00:00Z").replace("0001-01-02", "0001-01-02T00:00:00Z")
    report = (await world.ask("GET", f"/ledger/verify?from={dated}")).json()
    assert (report["clean"], report["owedCount"]) == (True, 0)


async def test_database_that_is_gone_is_no_clean_ledger(world: World) -> None:
    world.read_model.gone = True
    answer = await world.ask("GET", "/ledger/verify")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")
