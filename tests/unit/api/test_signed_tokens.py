"""A signed token is believed when all of it is right, and nobody learns what was wrong with it."""

import base64
import json
import math
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.api.authentication import AnyOf, StaticTokens
from services.api.errors import ApiError
from services.api.issuer import Algorithm, Issuer
from services.api.jwks import Keys
from services.api.permissions import EVERYTHING, ROLES, Permission
from services.api.ports import Principal
from services.api.settings import TenantToken, digest_of
from services.api.signed_tokens import SignedTokens
from tests.unit.api.issuing import CLAIMS, ISSUER, NOW_S, AuthService, rsa, unsigned
from tests.unit.api.world import JOB, OUR_TOKEN, OURS, THEIRS, HandClock, open_world


class Asked:
    """Who is asked for a token, with the auth service and the clock that it goes by."""

    def __init__(self, algorithm: Algorithm = Algorithm.ED_DSA) -> None:
        self.service, self.clock = AuthService(), HandClock()
        issuer = Issuer(ISSUER.name, ISSUER.audience, algorithm)
        self.callers = SignedTokens(issuer, Keys(self.service.fetch, algorithm, self.clock), self.clock)

    async def caller(self, token: str) -> Principal | None:
        """Whom the token proves."""
        return await self.callers.recognise([(b"authorization", f"Bearer {token}".encode())])


async def test_a_right_token_says_who_calls_for_which_tenant_and_what_he_may_do() -> None:
    asked = Asked()
    assert await asked.caller(asked.service.token()) == Principal(OURS, "user:ada", ROLES["developer"])


async def test_tokens_of_an_rsa_key_are_believed_where_that_is_the_algorithm() -> None:
    asked = Asked(Algorithm.RS256)
    asked.service.keys = {"first": rsa()}
    assert await asked.caller(asked.service.token()) is not None


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "tenant_id"])
async def test_a_token_without_one_of_its_claims_proves_nobody(name: str) -> None:
    asked = Asked()
    changes: dict[str, Any] = {name: None}
    assert await asked.caller(asked.service.token(**changes)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://auth.example.com"},
        {"aud": "horolog2"},
        {"aud": ["other"]},
        {"sub": ""},
        {"sub": "a\nb"},
        {"sub": "a" * 201},
        {"tenant_id": "00000000-0000-0000-0000-000000000000"},
        {"tenant_id": OURS.upper()},
        {"tenant_id": f"{OURS}\n"},
        {"tenant_id": [OURS]},
        {"exp": NOW_S - 31},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": math.inf},
        {"exp": math.nan},
        {"exp": 10**400},
        {"exp": NOW_S + 3601},
        {"iat": NOW_S + 31},
        {"nbf": NOW_S + 31},
        {"nbf": -1},
    ],
)
async def test_a_token_with_a_wrong_claim_proves_nobody(changes: dict[str, Any]) -> None:
    asked = Asked()
    # The library would not sign all of these as claims.
    claims, named = json.dumps({**CLAIMS, **changes}).encode(), {"kid": "first", "typ": "at+jwt"}
    token = jwt.PyJWS().encode(claims, asked.service.keys["first"], "EdDSA", headers=named)
    assert await asked.caller(token) is None


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "rt+jwt"},
        {"typ": None},
        {"kid": "second"},
        {"kid": "../../first"},
        {"crit": ["b64"], "b64": False},
    ],
)
async def test_a_token_of_another_kind_or_key_proves_nobody(header: dict[str, Any]) -> None:
    """PyJWT CVE-2026-32597 (a token that demands what nobody understands, in `crit`), and a refresh token's type."""
    asked = Asked()
    assert await asked.caller(asked.service.token(header=header)) is None


async def test_no_key_that_a_token_brings_along_is_used() -> None:
    asked, stranger = Asked(), AuthService()
    for header in ({"jwk": {"kty": "OKP"}}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example"}):
        assert await asked.caller(stranger.token(header=header)) is None


@pytest.mark.parametrize("name", ["none", "None", "HS256", "EdDSA"])
async def test_a_token_that_nobody_signed_proves_nobody(name: str) -> None:
    asked = Asked()
    assert await asked.caller(unsigned({"alg": name, "kid": "first", "typ": "at+jwt"})) is None


async def test_a_public_key_is_no_secret_to_sign_with() -> None:
    """PyJWT CVE-2022-29217 (a public key taken for the secret of another algorithm)."""
    asked = Asked()
    key = asked.service.keys["first"]
    assert isinstance(key, Ed25519PrivateKey)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    forged = jwt.encode(CLAIMS, raw, "HS256", headers={"kid": "first", "typ": "at+jwt"})
    assert await asked.caller(forged) is None


DEEP = base64.urlsafe_b64encode(b'{"alg":"EdDSA","a":' + b"[" * 5000).decode().rstrip("=")


@pytest.mark.parametrize("token", ["", "a.b.c", "..", "a" * 9000, "é.é.é", OUR_TOKEN, f"{DEEP}.a.b"])
async def test_what_is_no_token_proves_nobody_and_asks_nobody(token: str) -> None:
    asked = Asked()
    assert await asked.callers.recognise([(b"authorization", f"Bearer {token}".encode("latin-1"))]) is None
    assert asked.service.asked_count == 0


async def test_a_token_ends_with_its_time() -> None:
    asked = Asked()
    token = asked.service.token()
    assert await asked.caller(token) is not None
    asked.clock.at += timedelta(seconds=631)
    assert await asked.caller(token) is None


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        (["viewer"], ROLES["viewer"]),
        (["viewer", "operator"], ROLES["operator"]),
        (["developer"], EVERYTHING),
        (["admin"], EVERYTHING | {Permission.USERS_MANAGE, Permission.AUDIT_READ}),
        (["auditor"], {Permission.AUDIT_READ}),
        (["platform-admin"], frozenset()),
        (["superuser", 7, None], frozenset()),
        ([], frozenset()),
        (None, frozenset()),
        ("admin", frozenset()),
        ({"admin": True}, frozenset()),
    ],
)
async def test_roles_allow_what_they_stand_for_and_strangers_nothing(
    roles: Any, allowed: frozenset[Permission]
) -> None:
    asked = Asked()
    caller = await asked.caller(asked.service.token(roles=roles))
    assert caller is not None
    assert caller.permissions == allowed


async def test_a_role_opens_its_routes_for_its_own_tenant() -> None:
    asked = Asked()
    static = StaticTokens([TenantToken(digest_of(OUR_TOKEN), OURS, "ours")])
    async with open_world(callers=AnyOf([static, asked.callers])) as world:
        viewer, developer = (asked.service.token(roles=[role]) for role in ("viewer", "developer"))
        assert (await world.ask("POST", "/jobs", JOB, token=viewer)).status_code == 403
        job = await world.created(developer)
        assert (await world.ask("GET", f"/jobs/{job['id']}", token=viewer)).status_code == 200
        assert (await world.ask("GET", f"/jobs/{job['id']}", token=OUR_TOKEN)).status_code == 200
        theirs = asked.service.token(roles=["admin"], tenant_id=THEIRS)
        assert (await world.ask("GET", f"/jobs/{job['id']}", token=theirs)).status_code == 404


async def test_without_any_key_no_token_can_be_judged_and_the_caller_is_told_to_wait() -> None:
    asked = Asked()
    asked.service.is_away = True
    with pytest.raises(ApiError) as refused:
        await asked.caller(asked.service.token())
    assert (refused.value.code, refused.value.status) == ("AUTH_UNAVAILABLE", 503)
    async with open_world(callers=asked.callers) as world:
        answer = await world.ask("GET", "/jobs", token=asked.service.token())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
