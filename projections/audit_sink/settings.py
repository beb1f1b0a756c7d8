"""The settings of the sink, read once from the environment; without an address there is none.

Guarantee: a setting that cannot be used stops the start with a sentence that names it and never a secret. The service
is the operator's own choice: its address may be private, and is not judged as those that tenants name are. In the
clear it is spoken to on this machine only.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from horolog.limits import (
    AUDIT_SINK_ANSWER_S_DEFAULT,
    AUDIT_SINK_ANSWER_S_MAX,
    AUDIT_SINK_BATCH_COUNT_DEFAULT,
    AUDIT_SINK_BATCH_COUNT_MAX,
)
from horolog.runtime.secret_files import private_text, secret
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import TlsFiles, tls_files
from projections.audit_sink.pacing import Pauses

TLS_PREFIX = "HOROLOG_AUDIT_SINK"
SECRET_LENGTH_MIN = 32
_URL, _SECRET = "HOROLOG_AUDIT_SINK_URL", "HOROLOG_AUDIT_SINK_SECRET"
_BATCH_COUNT, _ANSWER_S = "HOROLOG_AUDIT_SINK_BATCH_COUNT", "HOROLOG_AUDIT_SINK_TIMEOUT_S"
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """Where the service is, and how it is spoken to; `secrets` sign, with spaces between them."""

    url: str
    secrets: str = field(repr=False)
    batch_count_max: int = AUDIT_SINK_BATCH_COUNT_DEFAULT
    answer_s_max: float = AUDIT_SINK_ANSWER_S_DEFAULT
    tls: TlsFiles = field(default_factory=TlsFiles)
    pauses: Pauses = field(default_factory=Pauses)


def from_environment(
    environment: Mapping[str, str], read_file: Callable[[str], str] = private_text
) -> SinkSettings | None:
    """The settings; None where no service is named.

    Raises:
        SettingsError: a value cannot be used, or is missing.
    """
    secrets = _secrets(environment, read_file)
    url = environment.get(_URL, "")
    if not url:
        if secrets:
            raise SettingsError(f"{_URL} is missing, but {_SECRET} is there")
        return None
    if not _is_safe(url):
        raise SettingsError(
            f"{_URL} must begin with https://, unless it is of this machine, and hold no user and no password"
        )
    if not secrets:
        raise SettingsError(
            f"{_SECRET} or {_SECRET}_FILE must be set: what is sent is signed; `openssl rand -base64 32` makes one"
        )
    return SinkSettings(
        url,
        secrets,
        int(_number(environment, _BATCH_COUNT, AUDIT_SINK_BATCH_COUNT_DEFAULT, AUDIT_SINK_BATCH_COUNT_MAX)),
        _number(environment, _ANSWER_S, AUDIT_SINK_ANSWER_S_DEFAULT, AUDIT_SINK_ANSWER_S_MAX),
        tls_files(environment, TLS_PREFIX),
    )


def _secrets(environment: Mapping[str, str], read_file: Callable[[str], str]) -> str:
    text = secret(environment, _SECRET, read_file)
    secrets = [part for part in re.split(r"[,\s]+", text) if part]
    if any(len(part) < SECRET_LENGTH_MIN or len(set(part)) < SECRET_LENGTH_MIN // 4 for part in secrets):
        raise SettingsError(
            f"{_SECRET}: a secret needs {SECRET_LENGTH_MIN} characters or more, of many kinds; "
            "`openssl rand -base64 32` makes one"
        )
    return " ".join(secrets)


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is none
    except ValueError:
        return False
    if re.search(r"\s", url) or not parts.hostname or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)


def _number(environment: Mapping[str, str], name: str, default: float, maximum: float) -> float:
    text = environment.get(name) or str(int(default))
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not 1 <= int(text) <= maximum:
        raise SettingsError(f"{name} must be a whole number from 1 to {maximum:g}")
    return float(text)
