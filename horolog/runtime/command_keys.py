"""The keys on commands, as the environment names them.

`HOROLOG_COMMAND_KEYS` (or a file that `HOROLOG_COMMAND_KEYS_FILE` names) holds keys with commas between them: the
platform's own as they are, those of producers as `key=name:tenant-uuid+tenant-uuid`. The first one seals.

Guarantee: a key that is weak, named twice, or for nobody stops the start with a sentence that does not show it.
"""

import re

from horolog.domain.command_seals import CommandKey, CommandSeals
from horolog.runtime.settings_error import SettingsError
from schemas.base import UUID_PATTERN

NAME = "HOROLOG_COMMAND_KEYS"
KEY_LENGTH_MIN = 32
KEY_COUNT_MAX = 50
_HOLDER = re.compile(r"[A-Za-z0-9._@-]{1,64}")


def command_keys(text: str) -> CommandSeals | None:
    """The keys; None where there are none.

    Raises:
        SettingsError: one of them cannot be used.
    """
    keys = [_key(number, entry) for number, part in enumerate(text.split(","), 1) if (entry := part.strip())]
    if len(keys) > KEY_COUNT_MAX:
        raise SettingsError(f"{NAME} names more than {KEY_COUNT_MAX} keys")
    if len({key.key for key in keys}) < len(keys):
        raise SettingsError(f"{NAME} names the same key twice")
    return CommandSeals(keys) if keys else None


def _key(number: int, entry: str) -> CommandKey:
    where = f"{NAME}, entry {number}"
    key, _, holder = entry.rpartition("=")
    if not key or not holder:
        # There is no name; what ends in `=` is padded base64.
        return CommandKey(_strong(where, entry))
    name, _, listed = holder.partition(":")
    tenants = frozenset(tenant.strip() for tenant in listed.split("+"))
    if not _HOLDER.fullmatch(name) or not all(re.fullmatch(UUID_PATTERN, tenant) for tenant in tenants):
        raise SettingsError(f"{where}: expected a key, or key=name:tenant-uuid+tenant-uuid with its tenants' UUIDs")
    return CommandKey(_strong(where, key), name, tenants)


def _strong(where: str, key: str) -> bytes:
    if len(key) < KEY_LENGTH_MIN or len(set(key)) < KEY_LENGTH_MIN // 4:
        raise SettingsError(
            f"{where}: a key needs {KEY_LENGTH_MIN} characters or more, of many kinds; "
            "`openssl rand -base64 32` makes one"
        )
    return key.encode()
