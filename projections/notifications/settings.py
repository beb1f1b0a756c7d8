"""What the operator says of channels, read once from the environment.

- `HOROLOG_SMTP_HOST`, `_PORT`, `_SECURITY` (`starttls`, `tls` or `none`), `_FROM`, `_USERNAME`, `_PASSWORD`,
  `_PASSWORD_FILE`, `_CA_FILE`   the mail server; without a host no e-mail is sent
- `HOROLOG_NOTIFY_URL`, `_TOKEN`, `_TOKEN_FILE`, `_CA_FILE`   an outside notification service

Guarantee: what cannot be used stops the start with a sentence that names the setting, and never its value.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from horolog.domain.notifications.mail import MailServer, Security
from horolog.domain.notifications.rules import Target
from horolog.runtime.secret_files import private_text, secret
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import client_context, tls_files

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+")
_SAFE_URL = re.compile(r"https://[^\s/@]+(/.*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/.*)?")
"""What stands before an `@` is no host, however much it looks like one."""
_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_SMTP, _SERVICE = "HOROLOG_SMTP", "HOROLOG_NOTIFY"


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """The channels that are the operator's, each with whom to believe that it is the one it says."""

    mail: MailServer | None = None
    mail_context: ssl.SSLContext | None = None
    service: Target | None = field(default=None, repr=False)
    service_context: ssl.SSLContext | None = None


def from_environment(environment: Mapping[str, str], read_file: Callable[[str], str] = private_text) -> ChannelSettings:
    """The settings.

    Raises:
        SettingsError: a value cannot be used.
    """
    mail, service = _mail(environment, read_file), _service(environment, read_file)
    return ChannelSettings(
        mail,
        None if mail is None else client_context(tls_files(environment, _SMTP), _SMTP),
        service,
        None if service is None else client_context(tls_files(environment, _SERVICE), _SERVICE),
    )


def _mail(environment: Mapping[str, str], read_file: Callable[[str], str]) -> MailServer | None:
    host = environment.get("HOROLOG_SMTP_HOST", "").strip()
    if not host:
        return None
    security = environment.get("HOROLOG_SMTP_SECURITY", Security.STARTTLS)
    if security not in list(Security):
        raise SettingsError("HOROLOG_SMTP_SECURITY must be starttls, tls or none")
    port = environment.get("HOROLOG_SMTP_PORT") or str(_PORTS[Security(security)])
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise SettingsError("HOROLOG_SMTP_PORT must be a whole number from 1 to 65535")
    sender = environment.get("HOROLOG_SMTP_FROM", "").strip()
    if not _ADDRESS.fullmatch(sender):
        raise SettingsError("HOROLOG_SMTP_FROM must be the address that mails come from, like horolog@example.com")
    username = environment.get("HOROLOG_SMTP_USERNAME", "")
    password = secret(environment, "HOROLOG_SMTP_PASSWORD", read_file)
    if username and security == Security.NONE:
        raise SettingsError("HOROLOG_SMTP_USERNAME needs HOROLOG_SMTP_SECURITY starttls or tls, for its password")
    return MailServer(host, int(port), sender, Security(security), username, password)


def _service(environment: Mapping[str, str], read_file: Callable[[str], str]) -> Target | None:
    url = environment.get("HOROLOG_NOTIFY_URL", "").strip()
    if not url:
        return None
    if not _SAFE_URL.fullmatch(url):
        raise SettingsError("HOROLOG_NOTIFY_URL must begin with https://, or with http:// for this machine")
    token = secret(environment, "HOROLOG_NOTIFY_TOKEN", read_file)
    if not token.isascii() or not token.isprintable():
        raise SettingsError("HOROLOG_NOTIFY_TOKEN must be visible ASCII characters")
    return Target(url, token)
