"""An auth service of the test's own: its keys, and tokens that it signs, right or wrong."""

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from services.api.issuer import Algorithm, Issuer
from tests.unit.api.world import OURS, START

ISSUER = Issuer("https://auth.example", "horolog", Algorithm.ED_DSA)
NOW_S = int(START.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER.name,
    "aud": ISSUER.audience,
    "sub": "ada",
    "jti": "1",
    "iat": NOW_S,
    "nbf": NOW_S,
    "exp": NOW_S + 600,
    "tenant_id": OURS,
    "roles": ["developer"],
}
PrivateKey = Ed25519PrivateKey | RSAPrivateKey


class AuthService:
    """Signs tokens, and shows its public keys; `is_away` makes it show nothing."""

    def __init__(self) -> None:
        self.keys: dict[str, PrivateKey] = {"first": Ed25519PrivateKey.generate()}
        self.is_away = False
        self.asked_count = 0

    async def fetch(self) -> bytes:
        """Its key set."""
        self.asked_count += 1
        if self.is_away:
            raise OSError("away")
        return key_set(*(public(key, key_id) for key_id, key in self.keys.items()))

    def token(self, key_id: str = "first", header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token; a claim that is None is left out, as is a field of the header."""
        claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
        named = {"kid": key_id, "typ": "at+jwt", **(header or {})}
        algorithm = "EdDSA" if isinstance(self.keys[key_id], Ed25519PrivateKey) else "RS256"
        return jwt.encode(claims, self.keys[key_id], algorithm, headers=named)


def rsa(bits: int = 2048) -> RSAPrivateKey:
    """Another kind of key."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def public(key: PrivateKey, key_id: str, **changes: Any) -> dict[str, Any]:
    """How a key set shows a key."""
    if isinstance(key, Ed25519PrivateKey):
        shown = OKPAlgorithm.to_jwk(key.public_key())
    else:
        shown = RSAAlgorithm.to_jwk(key.public_key())
    return {**json.loads(shown), "kid": key_id, "use": "sig", **changes}


def key_set(*shown: dict[str, Any]) -> bytes:
    """A key set."""
    return json.dumps({"keys": shown}).encode()


def unsigned(header: dict[str, Any], **changes: Any) -> str:
    """A token that nobody signed."""
    parts = [json.dumps(part).encode() for part in (header, {**CLAIMS, **changes})]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), ""])
