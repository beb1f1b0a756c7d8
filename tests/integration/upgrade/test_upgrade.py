"""An upgrade as `docs/operations.md` has it, from the release before this one to this one, with a way back meanwhile.

Both releases are real processes on one Kafka and one PostgreSQL. In all phases every instant is accounted for once,
and neither writes what makes a dead letter of the other.
"""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.client import PREFIX, QUIET
from tests.faults.deployment import ROOT
from tests.integration.upgrade.releases import TOUCHED, Release, Servers

NEW = {**QUIET, "name": "in an image", "config": {"command": "/bin/true", "image": "reports:1"}}
"""A job that the release before could not read."""
UNREAD = ("skipped a beat", "skipped an unreadable record", "skipped a job", "is refused")

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]


async def touch(first: Release, second: Release) -> None:
    """In each partition, ask the API of one release for changes, and that of the other for more about the same."""
    for tenant in TOUCHED:
        async with first.client(tenant) as asked, second.client(tenant) as also_asked:
            job = await asked.created(QUIET)
            await also_asked.until(await also_asked.triggered(QUIET), "completed")
            for client, deed in ((also_asked, "pause"), (asked, "resume")):
                answer = await client.http.post(f"{PREFIX}/jobs/{job}/{deed}")
                assert answer.status_code == 200, answer.text
        await first.operate("suspend", tenant)
        await second.operate("resume", tenant)


async def refusal_of_new(release: Release) -> str | None:
    """The code with which the release refuses a job that the one before could not read."""
    async with release.client(TOUCHED[0]) as client:
        answer = await client.create(NEW)
    return None if answer.status_code == 201 else str(answer.json()["error"]["code"])


async def begin(servers: Servers, stack: ExitStack, code: Path) -> Release:
    """The release before, at work on servers of its own making."""
    for words in ("migrate", "topics"):
        servers.command(code, words)
    old = stack.enter_context(servers.started("old", code))
    await old.ready()
    await servers.watch(old)
    await servers.go_on()
    return old


async def join(servers: Servers, stack: ExitStack, name: str, beside: Release) -> Release:
    """This release, beside another that has its share."""
    servers.command(ROOT, "migrate", "--pre")
    servers.command(ROOT, "topics")
    new = stack.enter_context(servers.started(name, ROOT, is_upgrading=True))
    await new.ready()
    await servers.owned_by(beside.name, name)
    await touch(beside, new)
    await touch(new, beside)
    await servers.go_on()
    return new


async def leave(servers: Servers, leaving: Release, staying: Release) -> None:
    """The end of one of the two; the other goes on with what both have written."""
    leaving.deployment.stop()
    await servers.owned_by(staying.name)
    await touch(staying, staying)
    await servers.go_on()


async def finish(servers: Servers, stack: ExitStack, upgrading: Release) -> Release:
    """This release, once nobody of the one before is left: what was held back is held back no more."""
    servers.command(ROOT, "migrate", "--post")
    last = stack.enter_context(servers.started("last", ROOT))
    await last.ready()
    await leave(servers, upgrading, last)
    return last


async def test_two_releases_work_side_by_side_and_one_can_go_back(
    previous_release: Path, kafka_bootstrap: str, database: str, tmp_path: Path
) -> None:
    servers = Servers(kafka_bootstrap, database, f"upgrade-{tmp_path.name}.", tmp_path)
    with ExitStack() as stack:
        old = await begin(servers, stack, previous_release)
        new = await join(servers, stack, "new", old)
        assert await refusal_of_new(new) == "UPGRADE_IN_PROGRESS"
        await leave(servers, new, old)
        again = await join(servers, stack, "again", old)
        await leave(servers, old, again)
        assert [words for words in UNREAD if words in old.said()] == []
        last = await finish(servers, stack, again)
        assert await refusal_of_new(last) is None
        assert await servers.dead_letters() == []
        found = json.loads(servers.command(ROOT, "verify", "ledger", "--from", servers.begun, "--json"))
        assert (found["clean"], found["jobCount"] >= len(servers.jobs)) == (True, True)
        servers.command(ROOT, "verify", "projections")
