"""An authority of the tests, and the certificates that it gives out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from horolog.runtime.tls import TlsFiles

LONG_AGO, LONG_FROM_NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Authority:
    """Signs; its own certificate is in `file`."""

    folder: Path
    file: str
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    def issue(self, owner: str, address: str = "127.0.0.1") -> TlsFiles:
        """A certificate for whoever is at the address, and its key, beside this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(owner), self.name, key).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        certificate = builder.sign(self.key, hashes.SHA256())
        return TlsFiles(
            authorities=self.file,
            certificate=_write(self.folder / f"{owner}.pem", certificate.public_bytes(Encoding.PEM)),
            key=_write(self.folder / f"{owner}.key", _pem(key)),
        )


def authority(folder: Path, name: str = "authority") -> Authority:
    """A new authority, which keeps its files in the folder."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name)
    builder = _builder(subject, subject, key).add_extension(x509.BasicConstraints(True, 0), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    return Authority(folder, _write(folder / f"{name}.pem", certificate.public_bytes(Encoding.PEM)), key, subject)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(LONG_AGO)
        .not_valid_after(LONG_FROM_NOW)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> str:
    path.touch(mode=0o600)
    path.write_bytes(content)
    path.chmod(0o600)
    return str(path)
