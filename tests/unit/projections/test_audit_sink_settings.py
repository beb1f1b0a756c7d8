"""Where the audit trail is sent, as the environment says it."""

from pathlib import Path

import pytest

from horolog.runtime.settings_error import SettingsError
from projections.audit_sink.settings import SinkSettings, from_environment

URL = "https://audit.example/batches"
SECRET = "2sJ0dNqv7mTjYx1cWq9KfR4uZb8LhGpE"
OTHER = "Ax7qPz3LmW9tVn5RkD1yHs6BgJ2cFu8E"


def settings_of(**environment: str) -> SinkSettings | None:
    return from_environment({f"HOROLOG_AUDIT_SINK_{name}": value for name, value in environment.items()})


def test_without_an_address_there_is_no_sink() -> None:
    assert settings_of() is None
    assert settings_of(URL="") is None


def test_defaults_are_used_where_nothing_else_is_said() -> None:
    settings = settings_of(URL=URL, SECRET=SECRET)
    assert settings is not None
    assert (settings.url, settings.batch_count_max, settings.answer_s_max) == (URL, 100, 10)
    assert settings.tls.authorities is None


def test_everything_can_be_said(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"{SECRET}\n{OTHER}\n")
    file.chmod(0o600)
    said = settings_of(URL=URL, SECRET_FILE=str(file), BATCH_COUNT="7", TIMEOUT_S="3", CA_FILE="/ca.pem")
    assert said is not None
    assert (said.secrets, said.batch_count_max, said.answer_s_max) == (f"{SECRET} {OTHER}", 7, 3)
    assert said.tls.authorities == "/ca.pem"


@pytest.mark.parametrize("url", ["http://localhost:9/a", "http://127.0.0.1/", "http://[::1]:80/", "https://10.0.0.1/"])
def test_this_machine_may_be_spoken_to_in_the_clear_and_a_private_network_by_tls(url: str) -> None:
    assert settings_of(URL=url, SECRET=SECRET) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://audit.example/",
        "http://localhost.example/",
        "ftp://audit.example/",
        "https://",
        "https://ada:pw@audit.example/",
        "https://audit.example:x/",
        "https://audit.example/a b",
        "https://audit.example/#a",
        "audit.example",
    ],
)
def test_an_address_that_is_not_safe_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_AUDIT_SINK_URL"):
        settings_of(URL=url, SECRET=SECRET)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"URL": URL}, "SECRET"),
        ({"SECRET": SECRET}, "URL"),
        ({"URL": URL, "SECRET": "short-word"}, "SECRET"),
        ({"URL": URL, "SECRET": f"{SECRET},short-word"}, "SECRET"),
        ({"URL": URL, "SECRET": "a" * 40}, "SECRET"),
        ({"URL": URL, "SECRET": SECRET, "SECRET_FILE": "/etc/secret"}, "SECRET_FILE"),
        ({"URL": URL, "SECRET_FILE": "/nowhere/secret"}, "SECRET_FILE"),
        ({"URL": URL, "SECRET": SECRET, "BATCH_COUNT": "0"}, "BATCH_COUNT"),
        ({"URL": URL, "SECRET": SECRET, "BATCH_COUNT": "1001"}, "BATCH_COUNT"),
        ({"URL": URL, "SECRET": SECRET, "TIMEOUT_S": "nan"}, "TIMEOUT_S"),
        ({"URL": URL, "SECRET": SECRET, "TIMEOUT_S": "61"}, "TIMEOUT_S"),
        ({"URL": URL, "SECRET": SECRET, "CERT_FILE": "/cert.pem"}, "CERT_FILE"),
    ],
)
def test_what_cannot_be_used_stops_the_start_and_is_named(environment: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=f"HOROLOG_AUDIT_SINK_{name}") as refused:
        settings_of(**environment)
    assert not any(secret in str(refused.value) for secret in (SECRET, "short-word"))


def test_settings_do_not_show_secrets() -> None:
    assert SECRET not in repr(settings_of(URL=URL, SECRET=SECRET))
