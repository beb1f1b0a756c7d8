"""The ports of the vault, and what can go wrong with it.

Keys and secrets are not events: they are to be erased one day, and a log never forgets. So they lie in a store of
their own, which no topic, read model or rebuild has a part in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from horolog.vault.cipher import DataKey


class VaultError(Exception):
    """Something about keys or secrets; the sentence holds none."""


class VaultUnavailable(VaultError):
    """The vault does not answer, or is not set up yet; try again later."""


class WrongMasterKeys(VaultError):
    """The master keys given are not those that the vault was filled with."""


class KeyErased(VaultError):
    """The tenant's key was erased, and with it all that was encrypted under it; there will be no new one."""


class KeyMissing(VaultError):
    """The tenant never had a key, so nothing can have been encrypted under it."""


class SecretMissing(VaultError):
    """The tenant has no secret of that name, which the sentence tells."""


@dataclass(frozen=True, slots=True)
class SecretNote:
    """What may be told of a secret. `version` rises by one each time it is set."""

    name: str
    version: int
    created_at: datetime
    updated_at: datetime


class TenantKeys(Protocol):
    """The data keys of tenants. Every call may raise `VaultUnavailable`, `WrongMasterKeys` or `KeyErased`."""

    async def sealing_key(self, tenant_id: str) -> DataKey:
        """The tenant's key; made when first asked for, and the same for everybody who asks at that moment."""
        ...

    async def opening_key(self, tenant_id: str) -> DataKey:
        """The tenant's key.

        Raises:
            KeyMissing: it has none.
        """
        ...


class SecretReader(Protocol):
    """The secrets that tenants keep under a name, for those who run attempts. Raises as `TenantKeys` does."""

    async def secret(self, tenant_id: str, name: str) -> str:
        """The secret.

        Raises:
            SecretMissing: there is none of that name.
        """
        ...


class SecretStore(Protocol):
    """The secrets that tenants keep under a name, as their owners see them: nothing reads a value back.

    Raises as `TenantKeys` does.
    """

    async def put_secret(self, tenant_id: str, name: str, value: str, at: datetime) -> SecretNote:
        """Set a secret, whether there was one of that name or not."""
        ...

    async def secrets(self, tenant_id: str) -> Sequence[SecretNote]:
        """What there is, by name."""
        ...

    async def delete_secret(self, tenant_id: str, name: str) -> bool:
        """Forget a secret; whether there was one."""
        ...


class KeyEraser(Protocol):
    """Whoever can make a tenant's secrets unreadable for good. Raises as `TenantKeys` does, but never `KeyErased`."""

    async def erase(self, tenant_id: str, at: datetime) -> bool:
        """Erase the tenant's key and secrets for good; whether there was anything. A tombstone stays: no new key is
        ever made for the tenant."""
        ...


class Vault(TenantKeys, SecretReader, SecretStore, KeyEraser, Protocol):
    """All of it."""

    async def check(self) -> None:
        """Hold the master keys against what lies in the vault, and leave a canary for each that is new.

        Raises:
            VaultUnavailable, WrongMasterKeys
        """
        ...
