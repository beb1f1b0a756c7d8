"""How Kafka is reached: in the clear, over TLS, with a certificate, with a name and a password.

Guarantee: no password goes over a connection that is not encrypted, and none is ever told.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from horolog.runtime.secret_files import private_text, secret
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import client_context, tls_files

PREFIX = "KAFKA_SSL"
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """The client's side of a connection. `tls` is there unless the protocol is PLAINTEXT."""

    protocol: str = "PLAINTEXT"
    tls: ssl.SSLContext | None = None
    mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)


IN_THE_CLEAR = KafkaAccess()


def kafka_access(environment: Mapping[str, str], read_file: Callable[[str], str] = private_text) -> KafkaAccess:
    """What `KAFKA_SECURITY_PROTOCOL`, `KAFKA_SSL_{CA,CERT,KEY}_FILE` and `KAFKA_SASL_{MECHANISM,USERNAME,PASSWORD}`
    say; `KAFKA_SASL_PASSWORD_FILE` names a file with the password instead.

    Raises:
        SettingsError: they contradict each other, or a file cannot be used.
    """
    protocol = environment.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    if protocol not in PROTOCOLS:
        raise SettingsError(f"KAFKA_SECURITY_PROTOCOL must be one of {', '.join(PROTOCOLS)}")
    if protocol == "PLAINTEXT":
        given = [name for name in environment if name.startswith(("KAFKA_SSL_", "KAFKA_SASL_")) and environment[name]]
        if given:
            raise SettingsError(f"{min(given)} has no effect unless KAFKA_SECURITY_PROTOCOL is SSL or SASL_SSL")
        return IN_THE_CLEAR
    tls = client_context(tls_files(environment, PREFIX), PREFIX)
    if protocol == "SSL":
        return KafkaAccess(protocol, tls)
    mechanism = environment.get("KAFKA_SASL_MECHANISM", MECHANISMS[0])
    if mechanism not in MECHANISMS:
        raise SettingsError(f"KAFKA_SASL_MECHANISM must be one of {', '.join(MECHANISMS)}")
    username, password = environment.get("KAFKA_SASL_USERNAME"), secret(environment, "KAFKA_SASL_PASSWORD", read_file)
    if not username or not password:
        raise SettingsError("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD (or KAFKA_SASL_PASSWORD_FILE) must be set")
    return KafkaAccess(protocol, tls, mechanism, username, password)
