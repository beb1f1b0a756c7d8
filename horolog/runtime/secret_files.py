"""Secrets that come as files: what a container is given instead of variables, which a dump or a child could show.

Guarantee: a file that is missing, empty or readable by everybody, and a secret that is given twice, stop the start with
a sentence that names the setting, and never tells anything of the value.
"""

import os
import stat
from collections.abc import Callable, Mapping

from horolog.runtime.settings_error import SettingsError

FILE_BYTES_MAX = 1024 * 1024


class ReadableByAll(PermissionError):
    """Every account of the machine may read the file."""


def private_text(path: str) -> str:
    """The text of a file that not everybody may read.

    Raises:
        ReadableByAll: everybody may.
        OSError, UnicodeDecodeError: it cannot be read.
    """
    with open(path, "rb") as file:
        # Of the file that is open, so that nobody changes it in between.
        if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
            raise ReadableByAll(path)
        return file.read(FILE_BYTES_MAX).decode("utf-8")


def secret(environment: Mapping[str, str], name: str, read_file: Callable[[str], str] = private_text) -> str:
    """The value of `name`, or what is in the file that `<name>_FILE` names; empty when neither is set.

    Raises:
        SettingsError: both are set, or the file cannot be used.
    """
    given = environment.get(name, "")
    if given and environment.get(f"{name}_FILE"):
        raise SettingsError(f"{name} and {name}_FILE are both set; give one of them")
    return given or secret_in_file(environment, name, read_file)


def secret_in_file(environment: Mapping[str, str], name: str, read_file: Callable[[str], str] = private_text) -> str:
    """What is in the file that `<name>_FILE` names, without white space around it; empty when that is not set.

    Raises:
        SettingsError: the file cannot be used.
    """
    path = environment.get(f"{name}_FILE", "")
    if not path:
        return ""
    try:
        text = read_file(path).strip()
    except ReadableByAll:
        told = f"{name}_FILE: everybody on this machine may read the file; take that away (chmod o-r)"
        raise SettingsError(told) from None
    except (OSError, UnicodeDecodeError) as error:
        # Not its words: they may quote what was found.
        raise SettingsError(f"{name}_FILE cannot be read: {type(error).__name__}") from None
    if not text:
        raise SettingsError(f"{name}_FILE: the file is empty")
    return text
