"""The issuer's own keys: the first signs, all of them are believed.

Guarantee: only Ed25519 keys are used, and a file that holds anything else stops the process with a sentence that names
it and shows nothing of it. A key's id follows from the key (the SHA-256 of its public half), so that files may be put
in another order, or be replaced one after the other, while tokens are in use.
Source: RFC 8032 (Ed25519), RFC 8037 (EdDSA), RFC 9068 (access tokens).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import OKPAlgorithm

from horolog.runtime.secret_files import ReadableByAll, key_bytes, readable_by_all
from horolog.runtime.settings_error import SettingsError
from services.api.accounts.bounds import ACCESS_S
from services.api.accounts.users import Live
from services.api.issuer import Algorithm, Issuer

BUILT_IN = Issuer("horolog", "horolog-api", Algorithm.ED_DSA)
_KEY_ID_LENGTH = 16


class LocalKeys:
    """The keys of files. Implements `KeySource` and `Signer`."""

    def __init__(self, signing: Ed25519PrivateKey, believed: Sequence[Ed25519PublicKey]) -> None:
        self._signing = signing
        self._signing_id = key_id(signing.public_key())
        self._keys: Mapping[str, jwt.PyJWK] = {
            key_id(key): jwt.PyJWK(OKPAlgorithm.to_jwk(key, as_dict=True), algorithm=Algorithm.ED_DSA)
            for key in (signing.public_key(), *believed)
        }

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id."""
        return self._keys.get(key_id)

    def sign(self, live: Live, at: datetime, token_id: str) -> str:
        """An access token of the session."""
        now_s = int(at.timestamp())
        claims = {
            "iss": BUILT_IN.name,
            "aud": BUILT_IN.audience,
            "sub": live.user_id,
            "jti": token_id,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + ACCESS_S,
            "tenant_id": live.tenant_id,
            "roles": list(live.roles),
            "sid": live.session_id,
            "ver": live.session_version,
        }
        headers = {"kid": self._signing_id, "typ": "at+jwt"}
        return jwt.encode(claims, self._signing, Algorithm.ED_DSA, headers=headers)


def read_keys(paths: Sequence[str], read_file: Callable[[str], bytes] = key_bytes) -> LocalKeys:
    """The keys of the files: the first a private one (PEM, PKCS #8), the others private or public.

    Raises:
        SettingsError: one of them cannot be read, holds something else, or is private and everybody may read it.
    """
    first, *others = paths
    signing = _key(first, read_file)
    if not isinstance(signing, Ed25519PrivateKey):
        raise SettingsError(f"HOROLOG_AUTH_KEY_FILE: {first} holds a public key; the first one signs, and is private")
    found = [_key(path, read_file) for path in others]
    return LocalKeys(signing, [key.public_key() if isinstance(key, Ed25519PrivateKey) else key for key in found])


def new_key() -> bytes:
    """A new key as the text of a file."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_id(key: Ed25519PublicKey) -> str:
    """What a key is called in the header of its tokens."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:_KEY_ID_LENGTH]


def _key(path: str, read_file: Callable[[str], bytes]) -> Ed25519PrivateKey | Ed25519PublicKey:
    try:
        pem = read_file(path)
    except ReadableByAll:
        raise SettingsError(readable_by_all("HOROLOG_AUTH_KEY_FILE", path)) from None
    except OSError as error:
        raise SettingsError(f"HOROLOG_AUTH_KEY_FILE: {path} cannot be read: {type(error).__name__}") from error
    try:
        key = load_pem_public_key(pem) if b"PUBLIC KEY" in pem else load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not the library's words, which may show the file's.
        raise SettingsError(_wanted(path)) from None
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        raise SettingsError(_wanted(path))
    return key


def _wanted(path: str) -> str:
    words = f"HOROLOG_AUTH_KEY_FILE: {path} is no Ed25519 key in PEM (PKCS #8, without a passphrase)"
    return f"{words}; `openssl genpkey -algorithm ed25519` makes one"
