"""The operator's channels are checked at the start; what is wrong is named, and no value is told."""

import pytest

from horolog.domain.notifications.mail import Security
from horolog.runtime.settings_error import SettingsError
from projections.notifications.settings import from_environment

HUSH = "hush-9f2c7a"
MAIL = {"HOROLOG_SMTP_HOST": "mail.example.com", "HOROLOG_SMTP_FROM": "horolog@example.com"}


def test_without_settings_there_are_no_channels_of_the_operator() -> None:
    found = from_environment({})
    assert (found.mail, found.service) == (None, None)


def test_mail_server_has_defaults_by_its_security() -> None:
    found = [from_environment({**MAIL, "HOROLOG_SMTP_SECURITY": word}).mail for word in ("starttls", "tls", "none")]
    assert [server.port for server in found if server is not None] == [587, 465, 25]
    plain = from_environment(MAIL)
    assert plain.mail is not None
    assert (plain.mail.security, plain.mail.sender) == (Security.STARTTLS, "horolog@example.com")


def test_secrets_come_from_the_environment_or_from_files_and_are_not_shown() -> None:
    given = {**MAIL, "HOROLOG_SMTP_USERNAME": "horolog", "HOROLOG_SMTP_PASSWORD_FILE": "/run/secret"}
    service = {"HOROLOG_NOTIFY_URL": "https://notify.example.com/in", "HOROLOG_NOTIFY_TOKEN": HUSH}
    found = from_environment({**given, **service}, lambda _: f"{HUSH}\n")
    assert found.mail is not None
    assert found.service is not None
    assert (found.mail.password, found.service.secrets) == (HUSH, HUSH)
    assert HUSH not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOROLOG_SMTP_SECURITY", "maybe"),
        ("HOROLOG_SMTP_PORT", "0"),
        ("HOROLOG_SMTP_FROM", f"{HUSH}\r\nBcc: x@example.com"),
        ("HOROLOG_SMTP_FROM", ""),
        ("HOROLOG_SMTP_CA_FILE", f"/nowhere/{HUSH}"),
        ("HOROLOG_NOTIFY_URL", f"http://{HUSH}.example.com"),
        ("HOROLOG_NOTIFY_URL", f"http://localhost:80@{HUSH}.example.com"),
        ("HOROLOG_NOTIFY_URL", f"https://{HUSH}@example.com"),
        ("HOROLOG_NOTIFY_TOKEN", f"{HUSH}\n"),
    ],
)
def test_value_that_cannot_be_used_is_named_and_not_told(name: str, value: str) -> None:
    service = {"HOROLOG_NOTIFY_URL": "https://notify.example.com/in"}
    with pytest.raises(SettingsError, match=name) as refused:
        from_environment({**MAIL, **service, name: value})
    assert HUSH not in str(refused.value)


def test_password_never_travels_in_the_clear_and_comes_from_one_place() -> None:
    with pytest.raises(SettingsError, match="HOROLOG_SMTP_USERNAME"):
        from_environment({**MAIL, "HOROLOG_SMTP_SECURITY": "none", "HOROLOG_SMTP_USERNAME": "horolog"})
    both = {"HOROLOG_SMTP_PASSWORD": HUSH, "HOROLOG_SMTP_PASSWORD_FILE": "/run/secret"}
    with pytest.raises(SettingsError, match="both set"):
        from_environment({**MAIL, **both})
