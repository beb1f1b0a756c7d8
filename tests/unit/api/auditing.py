"""An audit trail in memory: implements `AuditReader`, and counts what could not be told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from horolog.domain.audit import Link
from projections.views import AuditFilter, Cursor


@dataclass
class MemoryAudit:
    """`links` are everybody's."""

    links: list[Link] = field(default_factory=list)
    asked: list[AuditFilter] = field(default_factory=list)
    dropped_count: int = 0

    def count_dropped(self) -> None:
        self.dropped_count += 1

    async def entries(self, tenant_id: str, where: AuditFilter, after: Cursor | None, limit: int) -> Sequence[Link]:
        self.asked.append(where)
        ours = [link for link in self.links if link.entry.tenant_id == tenant_id]
        newest = sorted(ours, key=lambda link: (link.entry.at, link.entry.chain, link.seq), reverse=True)
        if after is not None:
            chain, _, seq = after.id.partition(":")
            last = (after.at, chain, int(seq))
            newest = [link for link in newest if (link.entry.at, link.entry.chain, link.seq) < last]
        return newest[:limit]
