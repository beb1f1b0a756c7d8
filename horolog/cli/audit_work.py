"""The work of `horolog verify audit` and `horolog audit checkpoint`."""

import os
from collections.abc import Sequence
from pathlib import Path

from horolog.cli.audit_checkpoints import KEY_VARIABLE, private_key, public_key, read_lines, signed_lines
from horolog.cli.output import write_json, write_line, write_note
from horolog.cli.problems import OK, REFUSED, CliProblem, wrong_use
from horolog.cli.verify_command_reading import on_read_models
from projections.rebuild import History
from projections.verification_audit import AuditCheckpoint, AuditFinding, AuditReport, verify_audit


def verify(directory: Path | None, tenant_id: str | None, kept: tuple[Path | None, Path | None], as_json: bool) -> int:
    """Prove the audit trail, also by the checkpoints of a file and the public key of another; the exit code.

    Raises:
        CliProblem: as `on_read_models`, or a checkpoint was not signed with the key.
    """
    file, key_file = kept
    if (file is None) != (key_file is None):
        raise wrong_use("--checkpoints and --public-key go together.")
    checkpoints = read_lines(file, public_key(key_file)) if file is not None and key_file is not None else []
    report = _proved(directory, checkpoints, tenant_id)
    if as_json:
        write_json({"clean": not report.findings, "chains": _chains(report), "findings": _findings(report.findings)})
    else:
        _show(report, len(checkpoints))
    return REFUSED if report.findings else OK


def checkpoint(directory: Path | None, target: Path | None, as_json: bool) -> int:
    """Write the signed head of every chain to a file or to standard output; the exit code.

    Raises:
        CliProblem: as `verify`; there is no key; or the audit trail is not what the log says.
    """
    path = os.environ.get(KEY_VARIABLE)
    if not path:
        raise wrong_use(f"{KEY_VARIABLE} is not set: it names the file of the Ed25519 key that signs.")
    key = private_key(Path(path))
    report = _proved(directory, (), None)
    if report.findings:
        message = "The audit trail is not what the log says; nothing was signed."
        raise CliProblem("AUDIT_BROKEN", message, "`horolog verify audit` names what is wrong.", REFUSED)
    text = signed_lines(report.heads.values(), key)
    if target is None:
        for line in text.splitlines():
            write_line(line)
        return OK
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise wrong_use(f"{target} cannot be written: {error.strerror}.") from error
    if as_json:
        write_json({"checkpointCount": len(report.heads)})
        return OK
    write_note(f"{len(report.heads)} checkpoints were written. Keep them, and the key, somewhere else.")
    return OK


def _proved(directory: Path | None, checkpoints: Sequence[AuditCheckpoint], tenant_id: str | None) -> AuditReport:
    async def work(log: History, dsn: str) -> AuditReport:
        return await verify_audit(log, dsn, checkpoints, tenant_id)

    return on_read_models(directory, work)


def _show(report: AuditReport, checkpoint_count: int) -> None:
    entries = sum(head.seq for head in report.heads.values())
    state = "broken" if report.findings else "whole"
    write_line(f"{state}: {entries} entries in {len(report.heads)} chains, {checkpoint_count} checkpoints")
    for one in report.findings:
        write_line(f"  tenant {one.tenant_id}, chain {one.chain}, entry {one.seq}: {one.fault}; {one.text}")


def _chains(report: AuditReport) -> list[dict[str, object]]:
    return [
        {"tenantId": head.tenant_id, "chain": head.chain, "seq": head.seq, "hash": head.record_hash, "at": head.at}
        for head in report.heads.values()
    ]


def _findings(findings: Sequence[AuditFinding]) -> list[dict[str, object]]:
    return [
        {"tenantId": one.tenant_id, "chain": one.chain, "seq": one.seq, "fault": one.fault.value, "text": one.text}
        for one in findings
    ]
