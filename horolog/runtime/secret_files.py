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
    content, is_private = _read(path)
    if not is_private:
        raise ReadableByAll(path)
    return content.decode("utf-8")


def key_bytes(path: str) -> bytes:
    """What is in a file of keys (PEM); one with a private key is a secret, one with public keys alone is none.

    Raises:
        ReadableByAll: everybody may read a private key.
        OSError: it cannot be read.
    """
    content, is_private = _read(path)
    if not is_private and b"PRIVATE KEY-----" in content:
        raise ReadableByAll(path)
    return content


def _read(path: str) -> tuple[bytes, bool]:
    """What is in the file, and whether that is kept from anybody."""
    with open(path, "rb") as file:
        # Of the file that is open, so that nobody changes it in between.
        is_private = not os.fstat(file.fileno()).st_mode & stat.S_IROTH
        return file.read(FILE_BYTES_MAX), is_private


def readable_by_all(name: str, file: str = "the file") -> str:
    """The sentence that refuses the file of the setting `name`, or one of its files."""
    return f"{name}: everybody on this machine may read {file}; take that away (chmod o-r)"


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
        raise SettingsError(readable_by_all(f"{name}_FILE")) from None
    except (OSError, UnicodeDecodeError) as error:
        # Not its words: they may quote what was found.
        raise SettingsError(f"{name}_FILE cannot be read: {type(error).__name__}") from None
    if not text:
        raise SettingsError(f"{name}_FILE: the file is empty")
    return text
