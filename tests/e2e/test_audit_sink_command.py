"""`horolog audit sink`: what it shows, what it sets back, and what it refuses."""

import pytest

from horolog.domain.audit import CALLS
from projections.audit_sink.outbox import Outbox
from tests.e2e.test_verify_commands import horolog
from tests.integration.projections.test_audit import STORY
from tests.integration.projections.world import opened, project
from tests.unit.projections.facts import TENANT, at

OURS = ("--tenant", TENANT, "--chain", CALLS)


@pytest.mark.timeout(180)
async def test_chains_are_shown_and_one_is_set_back_but_never_forward(migrated_database: str) -> None:
    place = {"DATABASE_URL": migrated_database}
    async with opened(migrated_database) as world:
        await project(world, *STORY)
        outbox = Outbox(world.eye, bytes_max=1024 * 1024)
        batch = await outbox.begin((TENANT, CALLS), 3)
        assert batch is not None
        assert await outbox.advance(batch)
        await outbox.note((TENANT, CALLS), "403", at(0))
        code, shown = await horolog("audit", "sink", "--tenant", TENANT, **place)
        found = {one["chain"]: (one["takenSeq"], one["waitingCount"], one["trouble"]) for one in shown["chains"]}
        assert (code, found) == (0, {"calls": (3, 2, "403"), "jobs": (0, 2, None), "tenants": (0, 1, None)})
        code, refused = await horolog("audit", "sink", *OURS, "--resend-from", "5", **place)
        assert (code, refused["error"]["code"]) == (1, "SET_BACK_REFUSED")
        assert (await horolog("audit", "sink", *OURS, "--resend-from", "2", **place))[0] == 0
        rows = await world.rows("audit_sink_positions", "seq, pending_seq, round, trouble")
        assert rows == [{"seq": 1, "pending_seq": None, "round": 1, "trouble": None}]


@pytest.mark.timeout(180)
async def test_what_is_no_chain_is_wrong_use() -> None:
    for words in (("--resend-from", "1"), ("--chain", "rows"), ("--tenant", "ours")):
        code, answer = await horolog("audit", "sink", *words, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
        assert (code, answer["error"]["code"]) == (2, "USAGE")
