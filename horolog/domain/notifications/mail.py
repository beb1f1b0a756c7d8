"""The server that mails go through, as the operator names it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Security(StrEnum):
    """How the server is spoken to."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailServer:
    """The operator's server, and whose name mails carry."""

    host: str
    port: int
    sender: str
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
