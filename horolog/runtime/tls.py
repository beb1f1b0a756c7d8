"""TLS as this system speaks it: contexts of servers and clients, from files that the environment names.

Guarantee: a server speaks TLS 1.3 and nothing older, a client 1.2 at least; a client always verifies the certificate
and the name of whom it talks to. A file that cannot be used stops the start with a sentence that names the setting.
Source: RFC 8446; RFC 9325, sections 3.1.1 and 3.1.2.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from horolog.runtime.secret_files import ReadableByAll, key_bytes, readable_by_all
from horolog.runtime.settings_error import SettingsError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: whom to trust (None: the system's authorities), and who we are, with its private key."""

    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None


def tls_files(environment: Mapping[str, str], prefix: str) -> TlsFiles:
    """The files that `<prefix>_CA_FILE`, `<prefix>_CERT_FILE` and `<prefix>_KEY_FILE` name.

    Raises:
        SettingsError: there is a certificate without a key, or a key without a certificate.
    """
    ca, certificate, key = (environment.get(f"{prefix}_{kind}_FILE") or None for kind in ("CA", "CERT", "KEY"))
    if (certificate is None) != (key is None):
        raise SettingsError(f"{prefix}_CERT_FILE and {prefix}_KEY_FILE belong together: name both, or neither")
    return TlsFiles(ca, certificate, key)


def server_context(files: TlsFiles, prefix: str) -> ssl.SSLContext:
    """How a server speaks; with `authorities`, only to clients with a certificate of one of them.

    Raises:
        SettingsError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    if files.authorities is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, files.authorities, prefix)
    _present(context, files, prefix)
    return context


def client_context(files: TlsFiles, prefix: str) -> ssl.SSLContext:
    """How a client speaks.

    Raises:
        SettingsError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.authorities is None:
        context.load_default_certs()
    else:
        _trust(context, files.authorities, prefix)
    if files.certificate is not None:
        _present(context, files, prefix)
    return context


def _trust(context: ssl.SSLContext, path: str, prefix: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise SettingsError(f"{prefix}_CA_FILE cannot be used: {_reason(error)}") from error


def _present(context: ssl.SSLContext, files: TlsFiles, prefix: str) -> None:
    assert files.certificate is not None
    assert files.key is not None
    try:
        # Looked at here: the library takes a key that everybody may read.
        key_bytes(files.key)
        # A key that is encrypted cannot be used: nobody is there to type a password.
        context.load_cert_chain(files.certificate, files.key, password=lambda: b"")
    except ReadableByAll:
        raise SettingsError(readable_by_all(f"{prefix}_KEY_FILE")) from None
    except OSError as error:
        raise SettingsError(f"{prefix}_CERT_FILE or {prefix}_KEY_FILE cannot be used: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    # The library's own words hold no content of the file; those of the system name the path, which the setting does.
    return (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or type(error).__name__
