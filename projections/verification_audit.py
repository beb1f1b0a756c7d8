"""The proof of the audit trail: its chains computed anew from the log, held against the rows and against checkpoints.

Guarantee: everything is compared as of the records that the read models have taken in, while the projectors go on;
nothing is written. The first entry of each chain that was edited, deleted, moved, added or cut off is named. What was
changed in the log and in the rows alike is found by a checkpoint that was kept elsewhere, and by nothing else.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from horolog.domain.audit import Fault, Head, Link, first_difference, following, genesis
from horolog.log.port import Place, Record
from horolog.log.refusals import check_home
from projections.audit_rows import Chain, link_of
from projections.connections import connect
from projections.fold_audit import CHAIN_OF_TOPIC, entry_of
from projections.rebuild import History, live_positions
from projections.statements import statement
from schemas.codec import RecordError, decode

TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class AuditCheckpoint:
    """The head of a chain as it once was; `at` is when its last entry happened."""

    tenant_id: str
    chain: str
    seq: int
    record_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """The first entry of a chain with which something is wrong, and what; `text` says against what it was held."""

    tenant_id: str
    chain: str
    seq: int
    fault: Fault
    text: str


@dataclass(slots=True)
class AuditReport:
    """What came of each chain: its head by the log, and what was found. Built up by `verify_audit` alone."""

    heads: dict[Chain, AuditCheckpoint] = field(default_factory=dict)
    findings: list[AuditFinding] = field(default_factory=list)


async def verify_audit(
    log: History, dsn: str, checkpoints: Sequence[AuditCheckpoint] = (), tenant_id: str | None = None
) -> AuditReport:
    """The report on the chains of all tenants, or of one.

    Raises:
        LogError, or one of `projections.connections.UNAVAILABLE`.
    """
    connection = await connect(dsn, "horolog-verify")
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            proof = _Proof(
                log, connection, tenant_id, [one for one in checkpoints if tenant_id in (None, one.tenant_id)]
            )
            return await proof.report()
    finally:
        await connection.close()


class _Proof:
    """One proof; the connection sees one moment only."""

    def __init__(
        self,
        log: History,
        connection: asyncpg.Connection,
        tenant_id: str | None,
        checkpoints: Sequence[AuditCheckpoint],
    ) -> None:
        self._log = log
        self._connection = connection
        self._tenant_id = tenant_id
        self._checkpoints = {(one.tenant_id, one.chain, one.seq): one for one in checkpoints}
        self._report = AuditReport()
        self._ends: dict[Chain, int] = {}
        self._refuted: set[Chain] = set()

    async def report(self) -> AuditReport:
        positions = await live_positions(self._connection)
        rows = await self._connection.fetch(statement("audit_ends"), self._tenant_id, timeout=TIMEOUT_S)
        self._ends = {(row["tenant_id"], row["chain"]): row["seq"] for row in rows}
        places = [Place(topic, number) for topic in CHAIN_OF_TOPIC for number in range(self._log.partition_count)]
        starts, ends = await self._log.starts(places), await self._log.ends(places)
        for place in places:
            end = min(positions.get(place, 0), ends[place])
            async for records in self._scan(place, starts[place], end):
                await self._take(records)
        self._look_at_ends()
        return self._report

    async def _scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        if start < end:
            async for records in self._log.scan(place, start, end):
                yield records

    async def _take(self, records: Iterable[Record]) -> None:
        links: dict[Chain, list[Link]] = {}
        for record in records:
            link = self._link_of(record)
            if link is not None:
                links.setdefault((link.entry.tenant_id, link.entry.chain), []).append(link)
                self._hold_against_checkpoint(link)
        for chain, told in links.items():
            if chain not in self._refuted:
                await self._hold_against_rows(chain, told)

    def _link_of(self, record: Record) -> Link | None:
        try:
            message = decode(record.topic, record.headers, record.value)
            check_home(message, record, self._log.partition_count)
        except RecordError:
            return None  # the projector has refused it, too
        entry = entry_of(record, message)
        if entry is None or self._tenant_id not in (None, entry.tenant_id):
            return None
        chain = (entry.tenant_id, entry.chain)
        known = self._report.heads.get(chain)
        head = genesis(*chain) if known is None else Head(known.seq, known.record_hash)
        link = following(head, entry)
        self._report.heads[chain] = AuditCheckpoint(*chain, link.seq, link.record_hash, entry.at)
        return link

    def _hold_against_checkpoint(self, link: Link) -> None:
        wanted = self._checkpoints.pop((link.entry.tenant_id, link.entry.chain, link.seq), None)
        if wanted is not None and wanted.record_hash != link.record_hash:
            text = "the log up to here is not what the checkpoint says; something was edited, deleted or moved"
            self._find((link.entry.tenant_id, link.entry.chain), link.seq, Fault.EDITED, text)

    async def _hold_against_rows(self, chain: Chain, told: Sequence[Link]) -> None:
        first, last = told[0].seq, told[-1].seq
        rows = await self._connection.fetch(statement("audit_links"), *chain, first, last + 1, timeout=TIMEOUT_S)
        found = first_difference(told, [link_of(row) for row in rows], is_end=self._ends.get(chain, 0) <= last)
        if found is not None:
            self._find(chain, *found, "the rows are not what the log says")

    def _look_at_ends(self) -> None:
        for chain, end in self._ends.items():
            known = self._report.heads.get(chain)
            reached = known.seq if known else 0
            if end > reached and chain not in self._refuted:
                self._find(chain, reached + 1, Fault.ADDED, "the rows go on where the log ends")
        for one in self._checkpoints.values():
            known = self._report.heads.get((one.tenant_id, one.chain))
            reached = known.seq if known else 0
            text = f"the log ends before entry {one.seq}, of which a checkpoint tells"
            self._find((one.tenant_id, one.chain), reached + 1, Fault.TRUNCATED, text)

    def _find(self, chain: Chain, seq: int, fault: Fault, text: str) -> None:
        self._refuted.add(chain)
        self._report.findings.append(AuditFinding(*chain, seq, fault, text))
