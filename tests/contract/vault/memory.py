"""A vault in memory, for tests of what stands on one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from horolog.vault.cipher import DataKey, new_key
from horolog.vault.port import KeyErased, KeyMissing, SecretMissing, SecretNote, VaultUnavailable


@dataclass
class MemoryVault:
    """Implements `Vault`; it can be out of reach."""

    is_away: bool = False
    asked_count: int = 0
    keys: dict[str, DataKey] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    kept: dict[tuple[str, str], tuple[SecretNote, str]] = field(default_factory=dict)

    async def check(self) -> None:
        self._reach()

    async def sealing_key(self, tenant_id: str) -> DataKey:
        self._reach(tenant_id)
        return self.keys.setdefault(tenant_id, new_key())

    async def opening_key(self, tenant_id: str) -> DataKey:
        self._reach(tenant_id)
        if tenant_id not in self.keys:
            raise KeyMissing("the tenant has no key")
        return self.keys[tenant_id]

    async def secret(self, tenant_id: str, name: str) -> str:
        self._reach(tenant_id)
        if (tenant_id, name) not in self.kept:
            raise SecretMissing(f"there is no secret named {name!r}")
        return self.kept[tenant_id, name][1]

    async def put_secret(self, tenant_id: str, name: str, value: str, at: datetime) -> SecretNote:
        self._reach(tenant_id)
        before = self.kept.get((tenant_id, name))
        note = SecretNote(name, before[0].version + 1 if before else 1, before[0].created_at if before else at, at)
        self.kept[tenant_id, name] = note, value
        return note

    async def secrets(self, tenant_id: str) -> Sequence[SecretNote]:
        self._reach()
        return [note for (tenant, _), (note, _) in sorted(self.kept.items()) if tenant == tenant_id]

    async def delete_secret(self, tenant_id: str, name: str) -> bool:
        self._reach()
        return self.kept.pop((tenant_id, name), None) is not None

    async def erase(self, tenant_id: str, at: datetime) -> bool:
        self._reach()
        self.erased.add(tenant_id)
        names = [place for place in self.kept if place[0] == tenant_id]
        for place in names:
            del self.kept[place]
        return self.keys.pop(tenant_id, None) is not None or bool(names)

    def _reach(self, tenant_id: str = "") -> None:
        self.asked_count += 1
        if self.is_away:
            raise VaultUnavailable("out of reach")
        if tenant_id in self.erased:
            raise KeyErased("the tenant's key was erased")
