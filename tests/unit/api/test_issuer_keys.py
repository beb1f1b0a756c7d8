"""The issuer's keys are Ed25519 and come from files; whatever else is there keeps the process from starting."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from horolog.runtime.settings_error import SettingsError
from services.api.accounts.bounds import ACCESS_S
from services.api.accounts.signing import BUILT_IN, LocalKeys, key_id, new_key, read_keys
from services.api.accounts.users import Live
from services.api.signed_tokens import TokenReader
from tests.unit.api.issuing import AuthService
from tests.unit.api.world import OURS, START, HandClock

LIVE = Live("33333333-3333-4333-8333-333333333333", "user", OURS, "ada", ("viewer",), 7)
PEM = (Encoding.PEM, PrivateFormat.PKCS8)


def public_half(pem: bytes) -> bytes:
    """The public key of a private one."""
    key = load_pem_private_key(pem, None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def keys_of(folder: Path, *files: bytes) -> LocalKeys:
    """The keys of files of these contents."""
    paths = [folder / f"{number}.pem" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
        path.chmod(0o600)
    return read_keys([str(path) for path in paths])


async def is_believed(keys: LocalKeys, token: str) -> bool:
    """Whether somebody with these keys believes the token."""
    reader = TokenReader(BUILT_IN, keys, HandClock())
    return await reader.read([(b"authorization", f"Bearer {token}".encode())]) is not None


def test_a_token_has_all_claims_and_ten_minutes(tmp_path: Path) -> None:
    pem = new_key()
    token = keys_of(tmp_path, pem).sign(LIVE, START, "token-1")
    header, now_s = jwt.get_unverified_header(token), int(START.timestamp())
    key = Ed25519PrivateKey.from_private_bytes(load_pem_private_key(pem, None).private_bytes_raw())  # type: ignore[union-attr]
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": key_id(key.public_key())}
    claims = jwt.decode(
        token,
        key.public_key(),
        ["EdDSA"],
        options={"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False},
    )
    assert claims == {
        "iss": BUILT_IN.name,
        "aud": BUILT_IN.audience,
        "sub": "user",
        "jti": "token-1",
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + ACCESS_S,
        "tenant_id": OURS,
        "roles": ["viewer"],
        "sid": LIVE.session_id,
        "ver": 7,
    }


async def test_the_first_key_signs_and_all_are_believed(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    of_old = keys_of(tmp_path, old).sign(LIVE, START, "1")
    both = keys_of(tmp_path, new, public_half(old))
    assert await is_believed(both, of_old)
    assert await is_believed(keys_of(tmp_path, new, old), of_old)
    assert await is_believed(keys_of(tmp_path, new), both.sign(LIVE, START, "2"))
    assert not await is_believed(keys_of(tmp_path, new), of_old)


async def test_tokens_of_another_issuer_are_not_believed(tmp_path: Path) -> None:
    service = AuthService()
    keys = keys_of(tmp_path, new_key())
    assert not await is_believed(keys, service.token())
    key = service.keys["first"]
    assert isinstance(key, Ed25519PrivateKey)
    assert not await is_believed(LocalKeys(key, []), service.token(key_id="first"))


def other_files() -> list[bytes]:
    """What is no key of the issuer."""
    curve, edwards = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()
    return [
        b"",
        b"no key at all",
        b"\xff" * 100,
        new_key().replace(b"M", b"N", 3),
        curve.private_bytes(*PEM, NoEncryption()),
        edwards.private_bytes(*PEM, BestAvailableEncryption(b"passphrase")),
        public_half(new_key()),
    ]


@pytest.mark.parametrize("content", other_files())
def test_other_files_are_refused_with_a_sentence_that_shows_nothing_of_them(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SettingsError, match=r"^HOROLOG_AUTH_KEY_FILE: .*0\.pem ") as refused:
        keys_of(tmp_path, content)
    told = str(refused.value)
    assert [line for line in content.splitlines() if len(line) > 20 and line.decode("latin-1") in told] == []
    assert refused.value.__cause__ is None


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"HOROLOG_AUTH_KEY_FILE: /nowhere/key\.pem cannot be read"):
        read_keys(["/nowhere/key.pem"])
