"""The work of `horolog verify projections` and `horolog rebuild`."""

import os
from pathlib import Path
from typing import Any

from horolog.adapters.system import SystemClock
from horolog.cli.output import write_json, write_line
from horolog.cli.problems import OK, REFUSED
from horolog.cli.verify_command_reading import on_read_models
from horolog.runtime.settings import from_environment
from projections.rebuild import History
from projections.rebuild import rebuild as rebuild_read_models
from projections.verification_tables import Difference, TableReport, verify_projections

DIFFERENCES_SHOWN = 20


def compare(directory: Path | None, as_json: bool) -> int:
    """Compare the read models with what the log says; the exit code.

    Raises:
        CliProblem: as `on_read_models`.
    """

    async def work(log: History, dsn: str) -> list[TableReport]:
        # As the projectors were told: months that they have dropped are no differences.
        months_kept = from_environment(os.environ).ledger_months_kept
        return list(await verify_projections(log, dsn, SystemClock(), months_kept))

    reports = on_read_models(directory, work)
    clean = not any(report.differences for report in reports)
    if as_json:
        write_json({"clean": clean, "tables": [_table(report) for report in reports]})
    for report in () if as_json else reports:
        _show_table(report)
    return OK if clean else REFUSED


def rebuild(directory: Path | None, as_json: bool) -> int:
    """Build the read models anew and exchange them; the exit code.

    Raises:
        CliProblem: as `on_read_models`.
    """

    async def work(log: History, dsn: str) -> int:
        return await rebuild_read_models(log, dsn, SystemClock())

    count = on_read_models(directory, work)
    if as_json:
        write_json({"offsetCount": count})
    else:
        write_line(f"The read models were built anew from {count} offsets of the log.")
    return OK


def _table(report: TableReport) -> dict[str, Any]:
    return {
        "table": report.table,
        "tenantCount": report.tenant_count,
        "rowCount": report.row_count,
        "hash": report.digest,
        "forgottenCount": report.forgotten_count,
        "differences": [
            {
                "tenantId": one.tenant_id or None,
                "key": list(one.key),
                "column": one.column,
                "live": one.live,
                "rebuilt": one.rebuilt,
            }
            for one in report.differences
        ],
    }


def _show_table(report: TableReport) -> None:
    state = "differs" if report.differences else "equal"
    rest = f", {report.forgotten_count} that the log no longer tells of" if report.forgotten_count else ""
    write_line(f"{report.table:<18} {state:<8} {report.row_count} rows of {report.tenant_count} tenants{rest}")
    for difference in report.differences[:DIFFERENCES_SHOWN]:
        write_line(f"  {_told(difference)}")


def _told(difference: Difference) -> str:
    where = f"tenant {difference.tenant_id}, row {' / '.join(difference.key)}"
    if difference.column is None:
        return f"{where}: {'only the live table has it' if difference.live else 'the live table lacks it'}"
    return f"{where}, column {difference.column}: {difference.live!r}, where the log says {difference.rebuilt!r}"
