"""No setting takes a secret from a file that everybody may read: each that there is, by the page of settings."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from horolog.backup.keys import backup_key
from horolog.cli.audit_checkpoints import private_key
from horolog.cli.problems import CliProblem
from horolog.runtime.secret_files import key_bytes
from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import client_context, server_context, tls_files
from projections.audit_sink.settings import from_environment as sink_settings
from projections.notifications.settings import from_environment as channel_settings
from services.api.accounts.signing import new_key, read_keys
from services.api.settings import from_environment as api_settings
from tests.tidy.manifests import known_settings

Environment = Mapping[str, str]
NO_SECRETS = re.compile(r"\w+_(?:CA|CERT)_FILE|HOROLOG_LOG_FILE")
"""What anybody may know: certificates, and whom to believe. A log is written."""
TLS = {"KAFKA_SSL", "HOROLOG", "HOROLOG_AUDIT_SINK"}


def _presented(prefix: str, environment: Environment) -> object:
    certificate = {f"{prefix}_CERT_FILE": environment[f"{prefix}_KEY_FILE"]}
    speak = server_context if prefix == "HOROLOG_TLS" else client_context
    return speak(tls_files({**environment, **certificate}, prefix), prefix)


def _with(read: Callable[[Environment], object], **besides: str) -> Callable[[Environment], object]:
    return lambda environment: read({**besides, **environment})


def _presenting(prefix: str) -> Callable[[Environment], object]:
    return lambda environment: _presented(prefix, environment)


READERS: Mapping[str, Callable[[Environment], object]] = {
    **dict.fromkeys(
        (
            "DATABASE_URL_FILE",
            "REDIS_URL_FILE",
            "HOROLOG_TASK_KEYS_FILE",
            "HOROLOG_COMMAND_KEYS_FILE",
            "HOROLOG_MASTER_KEYS_FILE",
        ),
        from_environment,
    ),
    "KAFKA_SASL_PASSWORD_FILE": _with(
        from_environment, KAFKA_SECURITY_PROTOCOL="SASL_SSL", KAFKA_SASL_USERNAME="horolog"
    ),
    "OTEL_EXPORTER_OTLP_HEADERS_FILE": _with(
        from_environment, OTEL_EXPORTER_OTLP_ENDPOINT="https://collector.example:4318"
    ),
    **dict.fromkeys(("INTERNAL_SERVICE_TOKEN_FILE", "HOROLOG_TOKENS_FILE"), api_settings),
    "RBAC_TOKEN_FILE": _with(
        api_settings, RBAC_URL="https://rbac.example", INTERNAL_SERVICE_TOKEN="s3rv1ce-to-service-word"
    ),
    "HOROLOG_AUTH_KEY_FILE": lambda environment: read_keys([environment["HOROLOG_AUTH_KEY_FILE"]]),
    "HOROLOG_AUDIT_KEY_FILE": lambda environment: private_key(Path(environment["HOROLOG_AUDIT_KEY_FILE"])),
    "HOROLOG_BACKUP_KEY_FILE": backup_key,
    "HOROLOG_AUDIT_SINK_SECRET_FILE": _with(sink_settings, HOROLOG_AUDIT_SINK_URL="https://audit.example"),
    "HOROLOG_SMTP_PASSWORD_FILE": _with(
        channel_settings, HOROLOG_SMTP_HOST="mail.example", HOROLOG_SMTP_FROM="horolog@example.com"
    ),
    "HOROLOG_NOTIFY_TOKEN_FILE": _with(channel_settings, HOROLOG_NOTIFY_URL="https://notify.example"),
    **{f"{prefix}_KEY_FILE": _presenting(prefix) for prefix in TLS | {"HOROLOG_TLS"}},
}
"""What reads each of them."""


def told(setting: str, file: Path) -> str:
    """How the setting is refused with this file; nothing where it is taken."""
    try:
        READERS[setting]({setting: str(file)})
    except (SettingsError, CliProblem, ValueError) as refused:
        return str(refused)
    return ""


def test_every_setting_that_names_a_secret_file_is_looked_at_here() -> None:
    files = {name for name in known_settings() if name.endswith("_FILE")}
    assert {name for name in files if not NO_SECRETS.fullmatch(name)} == set(READERS)


@pytest.mark.parametrize("setting", sorted(READERS))
def test_secret_file_that_everybody_may_read_is_refused_by_the_name_of_its_setting(
    tmp_path: Path, setting: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(new_key())
    file.chmod(0o444)
    assert re.search(rf"{setting}: everybody on this machine may read .*\(chmod o-r\)", told(setting, file))
    assert "PRIVATE KEY" not in told(setting, file)
    file.chmod(0o440)
    assert "everybody" not in told(setting, file)


def test_public_key_may_be_read_by_everybody(tmp_path: Path) -> None:
    signing, old = tmp_path / "signing.pem", tmp_path / "old.pem"
    signing.write_bytes(new_key())
    signing.chmod(0o400)
    old.write_bytes(public_part(new_key()))
    old.chmod(0o444)
    read_keys([str(signing), str(old)])
    assert key_bytes(str(old)) == old.read_bytes()


def public_part(private: bytes) -> bytes:
    """The public key of a private one, as the text of a file."""
    key = load_pem_private_key(private, None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
