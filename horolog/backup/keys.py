"""The key that archives are encrypted with.

Guarantee: no error, and no text that a key is shown as, tells anything of its value.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from horolog.runtime.secret_files import ReadableByAll, private_text, readable_by_all

KEY_VARIABLE, FILE_VARIABLE = "HOROLOG_BACKUP_KEY", "HOROLOG_BACKUP_KEY_FILE"
KEY_BYTES = 32
KINDS_OF_BYTES_MIN = 16
"""Among 32 random bytes there are fewer different ones than this in three keys of 10^17."""

_ADVICE = f"it must be {KEY_BYTES} random bytes in base64, which `openssl rand -base64 {KEY_BYTES}` makes"


class BackupKeyError(ValueError):
    """There is no key that can be used; the message says what is expected, and never what was found."""


@dataclass(frozen=True, slots=True)
class BackupKey:
    """A key; it is never shown."""

    value: bytes = field(repr=False)


def backup_key(environment: Mapping[str, str]) -> BackupKey:
    """The key that the environment gives, or names the file of.

    Raises:
        BackupKeyError: there is none, there are two, or it is none that a random source has made.
    """
    given, path = environment.get(KEY_VARIABLE), environment.get(FILE_VARIABLE)
    if given and path:
        raise BackupKeyError(f"{KEY_VARIABLE} and {FILE_VARIABLE} are both set; keep one of them")
    if path:
        return _key(_content(path), f"the key in the file of {FILE_VARIABLE}")
    if given:
        return _key(given, KEY_VARIABLE)
    raise BackupKeyError(f"neither {KEY_VARIABLE} nor {FILE_VARIABLE} is set; {_ADVICE}")


def _content(path: str) -> str:
    try:
        return private_text(path)
    except ReadableByAll:
        raise BackupKeyError(readable_by_all(FILE_VARIABLE)) from None
    except UnicodeDecodeError:
        # It holds no Base64, and its words may quote what was found.
        return ""
    except OSError as error:
        raise BackupKeyError(f"the file of {FILE_VARIABLE} cannot be read: {error.strerror}") from error


def _key(text: str, name: str) -> BackupKey:
    try:
        value = base64.b64decode(text.strip().encode("ascii", "replace"), validate=True)
    except binascii.Error:
        value = b""
    if len(value) != KEY_BYTES or len(set(value)) < KINDS_OF_BYTES_MIN:
        # Not even the cause: it may quote what was found.
        raise BackupKeyError(f"{name} cannot be used; {_ADVICE}") from None
    return BackupKey(value)
