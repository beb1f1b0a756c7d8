"""The master key of `horolog dev`: made once, kept in its directory, readable for its owner alone."""

import base64
import os
from pathlib import Path

from horolog.runtime.settings_error import SettingsError
from horolog.vault.cipher import KEY_BYTES, system_entropy
from horolog.vault.master_keys import MasterKeys, MasterKeysError, parse

FILE_NAME = "master.key"


def master_keys_of(home: Path) -> MasterKeys:
    """The directory's master keys, in the form that HOROLOG_MASTER_KEYS_FILE has.

    Raises:
        SettingsError: the file is there and cannot be used; another key in its place would lose what is encrypted.
    """
    path = home / FILE_NAME
    if not path.exists():
        aside = path.with_suffix(".new")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"dev={base64.b64encode(system_entropy(KEY_BYTES)).decode()}\n")
        aside.replace(path)
    try:
        keys = parse(str(path), path.read_text("utf-8"))
    except (MasterKeysError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the master key in {path} cannot be used: {error}") from None
    if keys is None:
        raise SettingsError(f"there is no master key in {path}")
    return keys
