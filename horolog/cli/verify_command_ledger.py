"""The work of `horolog verify ledger`: ask the API or the database, and say what was found."""

import asyncio
import os
from datetime import datetime
from typing import Any

import asyncpg

from horolog.adapters.system import SystemClock
from horolog.cli.client import open_client
from horolog.cli.options import ApiOptions
from horolog.cli.output import write_json, write_line, write_pairs
from horolog.cli.problems import OK, REFUSED, UNREACHABLE, CliProblem, wrong_use
from horolog.cli.verify_command import Part
from horolog.ports import Clock
from horolog.runtime.secret_files import secret
from horolog.runtime.settings_error import SettingsError
from horolog.verify import report_body, settled_window
from projections.connections import UNAVAILABLE, connect
from projections.verification import LedgerQuestion, verify_ledger

FINDINGS_SHOWN = 20


def run(part: Part, api: ApiOptions) -> int:
    """Prove that part of the ledger; the exit code.

    Raises:
        CliProblem: wrong use, or nobody answers.
    """
    clock, dsn = SystemClock(), _database_url()
    begin, end = part.window(clock.now())
    if dsn and not api.url and not api.token:
        found = asyncio.run(_prove_directly(dsn, part, (begin, end), clock))
    elif part.tenant is not None:
        raise wrong_use("--tenant goes with DATABASE_URL; the API proves the ledger of the token's own tenant.")
    else:
        with open_client(api) as client:
            query = {"from": begin.isoformat(), "to": end.isoformat(), "jobId": part.job}
            found = client.get("/ledger/verify", query)
    if api.as_json:
        write_json(found)
    else:
        _show_ledger(found)
    return OK if found["clean"] else REFUSED


def _database_url() -> str:
    try:
        return secret(os.environ, "DATABASE_URL")
    except SettingsError as error:
        raise CliProblem("SETTINGS", f"{error}.") from None


async def _prove_directly(dsn: str, part: Part, asked: tuple[datetime, datetime], clock: Clock) -> dict[str, Any]:
    question = LedgerQuestion(settled_window(*asked, clock.now()), part.tenant, part.job)
    try:
        connection = await connect(dsn, "horolog-verify")
        try:
            return report_body(await verify_ledger(connection, question))
        finally:
            await connection.close()
    except asyncpg.DataError as error:
        raise wrong_use(f"--tenant and --job take ids: {error}") from error
    except (*UNAVAILABLE, asyncpg.PostgresError, TimeoutError) as error:
        message = f"The database cannot be read: {str(error) or type(error).__name__}."
        raise CliProblem("DATABASE_UNREACHABLE", message, "`horolog doctor` shows more.", UNREACHABLE) from error


def _show_ledger(found: dict[str, Any]) -> None:
    wrong = {kind: count for kind, count in found["counts"].items() if count}
    write_pairs(
        {
            "window": f"{found['from']} to {found['to']}",
            "too young": f"from {found['leftOutFrom']} on" if found["leftOutFrom"] else None,
            "jobs": found["jobCount"],
            "owed instants": found["owedCount"],
            "rows": found["rowCount"],
            "admitted ahead": found["aheadCount"] or None,
            "wrong": ", ".join(f"{count} {kind}" for kind, count in wrong.items()) or "nothing",
        }
    )
    for finding in found["findings"][:FINDINGS_SHOWN]:
        last = "" if finding["last"] == finding["first"] else f" to {finding['last']}"
        execution = f" execution {finding['executionId']}" if finding["executionId"] else ""
        write_line(
            f"{finding['kind']:<11} {finding['first']}{last}  job {finding['jobId']}{execution}: {finding['text']}"
        )
    if len(found["findings"]) > FINDINGS_SHOWN:
        write_line(f"… and more; --json shows {len(found['findings'])} of them.")
