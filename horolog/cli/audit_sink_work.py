"""The work of `horolog audit sink`: how far the chains were taken, and setting one back."""

import re
from collections.abc import Sequence
from pathlib import Path

from horolog.cli.output import write_json, write_note, write_table
from horolog.cli.problems import OK, REFUSED, CliProblem, wrong_use
from horolog.cli.verify_command_reading import on_database
from horolog.domain.audit import CHAINS
from projections.audit_sink.batching import Chain
from projections.audit_sink.outbox import ChainState, SetBackRefused, chain_states, set_back
from projections.connections import connect
from schemas.base import UUID_PATTERN

_COLUMNS = ("tenant", "chain", "taken", "waiting", "trouble", "since")
_NAME = "horolog-audit-sink-command"
Wanted = tuple[str | None, str | None]
"""A tenant's id and a chain's name; None for all."""


def show(directory: Path | None, wanted: Wanted, as_json: bool) -> int:
    """Show the chains; the exit code.

    Raises:
        CliProblem: as `on_database`, or there is no such chain.
    """
    _check(wanted)

    async def work(dsn: str) -> Sequence[ChainState]:
        connection = await connect(dsn, _NAME)
        try:
            return await chain_states(connection)
        finally:
            await connection.close()

    states = [state for state in on_database(directory, work) if _is_wanted(state.waiting.chain, wanted)]
    if as_json:
        write_json({"chains": [_told(state) for state in states]})
    else:
        write_table(_COLUMNS, [list(_told(state).values())[: len(_COLUMNS)] for state in states])
    return OK


def resend(directory: Path | None, wanted: Wanted, first_seq: int, as_json: bool) -> int:
    """Set a chain back; the exit code.

    Raises:
        CliProblem: as `on_database`; or no chain is named, or it cannot go on from there.
    """
    _check(wanted)
    tenant_id, name = wanted
    if tenant_id is None or name is None:
        raise wrong_use("--resend-from needs --tenant and --chain.", "`horolog audit sink` lists the chains.")
    chain = (tenant_id, name)

    async def work(dsn: str) -> None:
        connection = await connect(dsn, _NAME)
        try:
            await set_back(connection, chain, first_seq)
        finally:
            await connection.close()

    try:
        on_database(directory, work)
    except SetBackRefused as error:
        raise CliProblem(
            "SET_BACK_REFUSED", f"Nothing was changed: {error}.", "`horolog audit sink` lists the chains.", REFUSED
        ) from error
    if as_json:
        write_json({"tenantId": tenant_id, "chain": name, "resentFrom": first_seq})
    else:
        write_note(f"The chain {name} is sent once more from entry {first_seq} on.")
    return OK


def _check(wanted: Wanted) -> None:
    tenant_id, name = wanted
    if tenant_id is not None and not re.fullmatch(UUID_PATTERN, tenant_id):
        raise wrong_use("--tenant must be a tenant's id, a UUID in lower case.")
    if name is not None and name not in CHAINS:
        raise wrong_use(f"--chain must be one of {', '.join(CHAINS)}.")


def _is_wanted(chain: Chain, wanted: Wanted) -> bool:
    return all(one is None or one == part for one, part in zip(wanted, chain, strict=True))


def _told(state: ChainState) -> dict[str, object]:
    waiting = state.waiting
    return {
        "tenantId": waiting.chain[0],
        "chain": waiting.chain[1],
        "takenSeq": waiting.seq,
        "waitingCount": waiting.entry_count,
        "trouble": state.trouble,
        "troubleSince": state.trouble_since,
        "lastSeq": waiting.end_seq,
        "round": waiting.round,
    }
