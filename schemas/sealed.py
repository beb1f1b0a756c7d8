"""The text that stands for an encrypted value wherever a message would hold the value itself.

`enc:v1:<key id>:<nonce and ciphertext, base64url without padding>`; what is inside, `horolog.vault.cipher` says.
"""

import re

SEALED_PATTERN = r"enc:v1:[0-9a-f]{16}:[A-Za-z0-9_-]{38,}"
_SEALED = re.compile(SEALED_PATTERN)
_RESERVED = re.compile(r"enc:v[0-9]+:")


def is_sealed(value: object) -> bool:
    """Whether the value is the text of an encrypted one."""
    return isinstance(value, str) and _SEALED.fullmatch(value) is not None


def looks_sealed(value: object) -> bool:
    """Whether the value begins like an encrypted one, of this version or of another: no caller's own value may."""
    return isinstance(value, str) and _RESERVED.match(value) is not None


def bounded(length_max: int, value: str) -> str:
    """The text, if it is no longer than allowed; an encrypted one takes more room than the value did.

    Raises:
        ValueError: it is longer.
    """
    if len(value) > length_max and not is_sealed(value):
        raise ValueError(f"must have at most {length_max} characters")
    return value
