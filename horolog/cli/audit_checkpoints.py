"""Checkpoints of the audit trail as text: one JSON object on a line, each signed by itself.

Guarantee: a line that is read was signed by the holder of the key, for exactly that tenant, chain, place and hash;
anything else is refused with its number. No error tells anything of the private key.
Source: RFC 8032 (Ed25519).
"""

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import ValidationError

from horolog.cli.problems import REFUSED, CliProblem, wrong_use
from horolog.domain.audit import canonical
from horolog.runtime.secret_files import ReadableByAll, key_bytes, readable_by_all
from projections.verification_audit import AuditCheckpoint
from schemas.base import UtcTime, Uuid, Value

KEY_VARIABLE = "HOROLOG_AUDIT_KEY_FILE"
_PURPOSE = b"horolog-audit-checkpoint-v1\n"
"""In front of what is signed: the key may sign other things as well."""


class _Told(Value):
    """What a line tells."""

    tenant_id: Uuid
    chain: str
    seq: int
    hash: str
    at: UtcTime


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key of a PEM file, which KEY_VARIABLE names.

    Raises:
        CliProblem: there is none that can be used, or everybody may read it.
    """
    try:
        key = load_pem_private_key(key_bytes(str(path)), None)
    except ReadableByAll:
        raise wrong_use(f"{readable_by_all(KEY_VARIABLE)}.") from None
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise wrong_use(
            f"{path} holds no Ed25519 private key in PEM.", "`openssl genpkey -algorithm ed25519 -out FILE` makes one."
        )
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a PEM file.

    Raises:
        CliProblem: there is none that can be used.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        advice = "`openssl pkey -in PRIVATE -pubout -out FILE` makes it."
        raise wrong_use(f"{path} holds no Ed25519 public key in PEM.", advice)
    return key


def signed_lines(checkpoints: Iterable[AuditCheckpoint], key: Ed25519PrivateKey) -> str:
    """The checkpoints as lines."""
    return "".join(_line(one, key) for one in checkpoints)


def read_lines(path: Path, key: Ed25519PublicKey) -> list[AuditCheckpoint]:
    """The checkpoints of a file, in its order.

    Raises:
        CliProblem: it cannot be read, or a line was not signed with the key.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise wrong_use(f"{path} cannot be read: {error.strerror}.") from error
    return [_checkpoint(number, line, key) for number, line in enumerate(lines, 1) if line.strip()]


def _line(one: AuditCheckpoint, key: Ed25519PrivateKey) -> str:
    told = _Told(tenant_id=one.tenant_id, chain=one.chain, seq=one.seq, hash=one.record_hash, at=one.at).to_dict()
    signature = base64.b64encode(key.sign(_PURPOSE + canonical(told))).decode()
    return orjson.dumps({**told, "signature": signature}).decode() + "\n"


def _checkpoint(number: int, line: bytes, key: Ed25519PublicKey) -> AuditCheckpoint:
    try:
        found: dict[str, Any] = orjson.loads(line)
        signature = base64.b64decode(found.pop("signature"), validate=True)
        key.verify(signature, _PURPOSE + canonical(found))
        told = _Told.model_validate(found)
    except (
        *(orjson.JSONDecodeError, AttributeError, KeyError, TypeError, binascii.Error, ValueError),
        *(InvalidSignature, ValidationError),
    ) as error:
        message = f"Line {number} of the checkpoints was not signed with this key, or was changed."
        raise CliProblem("CHECKPOINT_REFUSED", message, exit_code=REFUSED) from error
    return AuditCheckpoint(told.tenant_id, told.chain, told.seq, told.hash, told.at)
