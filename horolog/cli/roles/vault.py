"""The vault, for the roles that need one: the API, which encrypts, and the executor, which decrypts."""

import logging
from contextlib import AsyncExitStack

from horolog.cli.composition import Parts
from horolog.runtime.settings_error import SettingsError
from horolog.vault.port import Vault, VaultUnavailable, WrongMasterKeys

_logger = logging.getLogger(__name__)


async def open_checked(parts: Parts, stack: AsyncExitStack) -> Vault | None:
    """The vault, once the master keys were held against it; None without master keys, where there need be none.

    A database that is away does not stop a start: then the vault checks itself before it is first used.

    Raises:
        SettingsError: the master keys are wrong, or missing.
    """
    master_keys = parts.master_keys()
    if master_keys is None:
        return None
    from horolog.adapters.vault.postgres import open_vault  # noqa: PLC0415 - its client is loaded where it is used

    vault = await stack.enter_async_context(open_vault(parts.database_url(), master_keys))
    try:
        await vault.check()
    except WrongMasterKeys as error:
        raise SettingsError(f"HOROLOG_MASTER_KEYS: {error}") from None
    except VaultUnavailable as error:
        _logger.warning("the master keys could not be checked yet: %s", error)
    return vault
