"""A report as plain JSON data: the same for the API's answer and for the command line."""

from datetime import UTC, datetime
from typing import Any

from horolog.verify.findings import Finding, Kind, Report


def report_body(report: Report) -> dict[str, Any]:
    """The report; field names are camelCase, instants RFC 3339 in UTC. `findings` are the first of them only."""
    window = report.window
    left_out = window.end_s < window.asked_end_s
    return {
        "from": _instant(window.begin_s),
        "to": _instant(window.end_s),
        "leftOutFrom": _instant(window.end_s) if left_out else None,
        "clean": report.is_clean,
        "jobCount": report.job_count,
        "owedCount": report.owed_count,
        "rowCount": report.row_count,
        "aheadCount": report.ahead_count,
        "counts": {kind.value: report.counts.get(kind, 0) for kind in Kind},
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "tenantId": finding.tenant_id,
        "jobId": finding.job_id,
        "first": _instant(finding.first_s),
        "last": _instant(finding.last_s),
        "count": finding.count,
        "executionId": finding.execution_id,
        "text": finding.text,
    }


def _instant(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat().replace("+00:00", "Z")
