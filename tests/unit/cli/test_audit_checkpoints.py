"""Signed checkpoints: what was signed is read, and a line that was changed in any way is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from horolog.cli.audit_checkpoints import private_key, public_key, read_lines, signed_lines
from horolog.cli.problems import CliProblem
from projections.verification_audit import AuditCheckpoint

TENANT = "11111111-2222-4333-8444-555555555555"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HEADS = [
    AuditCheckpoint(TENANT, "calls", 7, "ab" * 32, datetime(2026, 3, 1, 12, tzinfo=UTC)),
    AuditCheckpoint(TENANT, "jobs", 1, "cd" * 32, datetime(2026, 3, 1, 13, 0, 0, 5, tzinfo=UTC)),
]


def kept(folder: Path, text: str) -> Path:
    file = folder / "audit.jsonl"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_was_signed_is_read(tmp_path: Path) -> None:
    assert read_lines(kept(tmp_path, signed_lines(HEADS, KEY)), KEY.public_key()) == HEADS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seq":1,', '"seq":2,'),
        ("cdcd", "cdce"),
        ('"jobs"', '"calls"'),
        ("13:00", "14:00"),
        ('"signature":"', '"signature":"A'),
        ('"signature"', '"sign"'),
        ("{", "["),
        ("{", '{"more":1,'),
    ],
)
def test_a_changed_line_is_refused_with_its_number(tmp_path: Path, old: str, new: str) -> None:
    first, second = signed_lines(HEADS, KEY).splitlines()
    assert old in second
    with pytest.raises(CliProblem, match="Line 2 "):
        read_lines(kept(tmp_path, f"{first}\n{second.replace(old, new, 1)}\n"), KEY.public_key())


def test_another_key_is_refused(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    with pytest.raises(CliProblem, match="Line 1 "):
        read_lines(kept(tmp_path, signed_lines(HEADS, KEY)), other)


def test_keys_are_read_from_pem_and_nothing_else_is_taken(tmp_path: Path) -> None:
    hidden = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(KEY.private_bytes(*hidden))
    (tmp_path / "public").write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "other").write_bytes(generate_private_key(SECP256R1()).private_bytes(*hidden))
    for name in ("key", "other"):
        (tmp_path / name).chmod(0o600)
    assert private_key(tmp_path / "key").private_bytes_raw() == KEY.private_bytes_raw()
    assert public_key(tmp_path / "public") == KEY.public_key()
    for name in ("public", "other", "none"):
        with pytest.raises(CliProblem, match="no Ed25519 private key"):
            private_key(tmp_path / name)
    with pytest.raises(CliProblem, match="no Ed25519 public key"):
        public_key(tmp_path / "key")
