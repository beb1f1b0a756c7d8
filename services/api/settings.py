"""The API's settings, read once from the environment and checked before anything starts.

Guarantee: a token that is missing, short, or copied from an example stops the process with a sentence that names
the variable and never the value. Tokens are kept as SHA-256 digests only.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from horolog.domain.addresses import Network, networks
from horolog.domain.command_seals import CommandSeals
from horolog.domain.rates import Rate
from horolog.limits import API_BODY_BYTES_MAX, API_WAIT_S
from horolog.runtime.flags import flag
from horolog.runtime.secret_files import private_text, secret, secret_in_file
from horolog.runtime.settings import UPGRADING
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import TlsFiles, tls_files
from schemas.base import UUID_PATTERN
from schemas.events.workers import SYSTEM_TENANT
from schemas.jobs import JOB_TIMEOUT_S_DEFAULT, TIMEOUT_SECONDS_MAX
from services.api.issuer import Algorithm, Issuer
from services.api.permissions import EVERYTHING, Permission
from services.api.rates import USUAL, RateLimits

PORT_DEFAULT = 3009
TLS_PREFIX = "HOROLOG_TLS"
TOKEN_LENGTH_MIN = 16
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SAFE_URL = re.compile(r"https://[^\s/@]+(/|$)|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)")
"""What stands before an `@` is no host, however much it looks like one."""
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
GRANTED_TO_SERVICES = EVERYTHING | {Permission.TENANTS_MANAGE}
"""What a service may be given by name; without names, it is given what concerns jobs."""
_EXAMPLES = ("change", "example", "secret-token", "your-", "placeholder", "insert", "default", "password")


@dataclass(frozen=True, slots=True)
class TenantToken:
    """A bearer token, known by its digest only. `name` is who carries it."""

    digest: bytes
    tenant_id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallingService:
    """Another service, known by the digest of its token, and what it may do for every tenant."""

    digest: bytes
    name: str = "internal"
    permissions: frozenset[Permission] = EVERYTHING


@dataclass(frozen=True, slots=True)
class AuthService:
    """An outside auth service: whom to believe, and where its keys are."""

    issuer: Issuer
    keys_url: str


@dataclass(frozen=True, slots=True)
class DecisionService:
    """An outside service that decides about permissions; `token` is what it knows this scheduler by."""

    url: str
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class BuiltInIssuer:
    """The built-in issuer: its key files, of which the first signs. A tenant to begin with gets an administrator."""

    key_files: tuple[str, ...]
    first_tenant: str | None = None


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Where to listen, whom to believe, and how long to wait (seconds).

    With an `internal_port`, `/internal` is served there and nowhere else, and nothing else is served there. What
    `proxies` say of where a request comes from is believed. With `tls`, both speak nothing else. One that
    `is_upgrading` refuses what the release before this one could not read. Commands are sealed with `command_seals`.
    A job that names no timeout has `job_timeout_s`.
    """

    services: tuple[CallingService, ...]
    tokens: tuple[TenantToken, ...] = ()
    auth: AuthService | None = None
    decisions: DecisionService | None = None
    issuer: BuiltInIssuer | None = None
    host: str = "127.0.0.1"
    port: int = PORT_DEFAULT
    internal_host: str = "127.0.0.1"
    internal_port: int | None = None
    wait_s: float = API_WAIT_S
    body_bytes_max: int = API_BODY_BYTES_MAX
    limits: RateLimits = USUAL
    proxies: tuple[Network, ...] = ()
    tls: TlsFiles | None = None
    is_upgrading: bool = False
    command_seals: CommandSeals | None = None
    job_timeout_s: int = JOB_TIMEOUT_S_DEFAULT


def from_environment(environment: Mapping[str, str], read_file: Callable[[str], str] = private_text) -> ApiSettings:
    """The settings: `HOROLOG_TOKENS`, `HOROLOG_TOKENS_FILE`, `INTERNAL_SERVICE_TOKEN`, `HOROLOG_API_HOST`,
    `HOROLOG_API_PORT`, `HOROLOG_API_WAIT_S`, `HOROLOG_INTERNAL_HOST`, `HOROLOG_INTERNAL_PORT`, `HOROLOG_RATE_TENANT`,
    `HOROLOG_RATE_CALLER`, `HOROLOG_RATE_ADDRESS` (`500/1000`: requests a second, and at once),
    `HOROLOG_TRUSTED_PROXIES` (networks), `HOROLOG_TLS_CERT_FILE`, `HOROLOG_TLS_KEY_FILE`, `HOROLOG_TLS_CA_FILE` (then
    each caller needs a certificate of one of these authorities); and with an outside auth service `AUTH_JWKS_URL`,
    `AUTH_ISSUER`, `AUTH_AUDIENCE`, `AUTH_ALGORITHM` (EdDSA, the default, or RS256). With the built-in issuer instead:
    `HOROLOG_AUTH_KEY_FILE`, paths with commas between them. `HOROLOG_UPGRADING` is all processes' own.
    `SCHEDULER_JOB_TIMEOUT_MS` is what jobs have that name no timeout.

    Tokens are `token=tenant-uuid[:name]`, separated by commas or line ends; `#` begins a comment line. Those of
    services are `token[=name[:permission+permission…]]`; without permissions a service may do everything. To replace
    a token, name both for a while. `INTERNAL_SERVICE_TOKEN_FILE` and `RBAC_TOKEN_FILE` name files instead.

    Raises:
        SettingsError: naming the variable that is wrong.
    """
    listed, filed = environment.get("HOROLOG_TOKENS", ""), secret_in_file(environment, "HOROLOG_TOKENS", read_file)
    return ApiSettings(
        services=_services(secret(environment, "INTERNAL_SERVICE_TOKEN", read_file)),
        tokens=_tokens(f"{listed}\n{filed}"),
        auth=_auth_service(environment),
        decisions=_decision_service(environment, read_file),
        issuer=_issuer(environment),
        host=environment.get("HOROLOG_API_HOST", "127.0.0.1"),
        port=int(_number(environment, "HOROLOG_API_PORT", PORT_DEFAULT, 65_535)),
        internal_host=environment.get("HOROLOG_INTERNAL_HOST", "127.0.0.1"),
        internal_port=_internal_port(environment),
        wait_s=_number(environment, "HOROLOG_API_WAIT_S", API_WAIT_S, 60),
        limits=_limits(environment),
        proxies=_proxies(environment.get("HOROLOG_TRUSTED_PROXIES", "")),
        tls=_tls(environment),
        is_upgrading=flag(environment, UPGRADING, default=False),
        job_timeout_s=_job_timeout_s(environment),
    )


def digest_of(token: str) -> bytes:
    """What is kept of a token, and compared."""
    return hashlib.sha256(token.encode()).digest()


def _tokens(text: str) -> tuple[TenantToken, ...]:
    lines = (line.strip() for line in text.splitlines())
    entries = [entry.strip() for line in lines if not line.startswith("#") for entry in line.split(",")]
    tokens = tuple(_token(number, entry) for number, entry in enumerate(filter(None, entries), 1))
    if len({token.digest for token in tokens}) < len(tokens):
        raise SettingsError("HOROLOG_TOKENS names the same token twice")
    return tokens


def _token(number: int, entry: str) -> TenantToken:
    token, _, owner = entry.rpartition("=")
    tenant_id, _, name = owner.partition(":")
    where = f"HOROLOG_TOKENS, entry {number}"
    if not re.fullmatch(UUID_PATTERN, tenant_id) or tenant_id == SYSTEM_TENANT:
        raise SettingsError(f"{where}: expected token=tenant-uuid[:name] with the tenant's lower-case UUID")
    if name and not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: a name has up to 64 letters, digits and . _ @ -")
    return TenantToken(digest_of(_strong(where, token)), tenant_id, name or f"tenant-{tenant_id[:8]}")


def _services(text: str) -> tuple[CallingService, ...]:
    entries = [entry for part in text.split(",") if (entry := part.strip())]
    services = tuple(_service(entry) for entry in entries or [""])
    if len({service.digest for service in services}) < len(services):
        raise SettingsError("INTERNAL_SERVICE_TOKEN names the same token twice")
    return services


def _service(entry: str) -> CallingService:
    token, _, owner = entry.rpartition("=")
    if not token or not owner:
        # There is no name; what ends in `=` is padded base64.
        return CallingService(digest_of(_strong("INTERNAL_SERVICE_TOKEN", entry)))
    name, _, listed = owner.partition(":")
    if not _NAME.fullmatch(name):
        raise SettingsError("INTERNAL_SERVICE_TOKEN: a service's name has up to 64 letters, digits and . _ @ -")
    try:
        permissions = frozenset(map(Permission, listed.split("+"))) if listed else EVERYTHING
        if not permissions <= GRANTED_TO_SERVICES:
            raise ValueError
    except ValueError:
        known = ", ".join(permission for permission in Permission if permission in GRANTED_TO_SERVICES)
        raise SettingsError(f"INTERNAL_SERVICE_TOKEN: the permissions of {name} must be of: {known}") from None
    return CallingService(digest_of(_strong("INTERNAL_SERVICE_TOKEN", token)), name, permissions)


def _internal_port(environment: Mapping[str, str]) -> int | None:
    if not environment.get("HOROLOG_INTERNAL_PORT"):
        return None
    port = int(_number(environment, "HOROLOG_INTERNAL_PORT", 0, 65_535))
    if port == int(_number(environment, "HOROLOG_API_PORT", PORT_DEFAULT, 65_535)):
        raise SettingsError("HOROLOG_INTERNAL_PORT must be another port than HOROLOG_API_PORT")
    return port


def _auth_service(environment: Mapping[str, str]) -> AuthService | None:
    url, issuer, audience = (environment.get(f"AUTH_{name}", "") for name in ("JWKS_URL", "ISSUER", "AUDIENCE"))
    if not url:
        if issuer or audience:
            raise SettingsError("AUTH_JWKS_URL is missing, but AUTH_ISSUER or AUTH_AUDIENCE is there")
        return None
    if not _SAFE_URL.match(url):
        raise SettingsError("AUTH_JWKS_URL must begin with https://, unless it is of this machine")
    if not issuer or not audience:
        raise SettingsError("AUTH_ISSUER and AUTH_AUDIENCE must say whose tokens are believed, and for whom they are")
    try:
        algorithm = Algorithm(environment.get("AUTH_ALGORITHM", Algorithm.ED_DSA))
    except ValueError:
        raise SettingsError("AUTH_ALGORITHM must be EdDSA or RS256") from None
    return AuthService(Issuer(issuer, audience, algorithm), url)


def _issuer(environment: Mapping[str, str]) -> BuiltInIssuer | None:
    listed = environment.get("HOROLOG_AUTH_KEY_FILE", "")
    paths = tuple(path for part in listed.split(",") if (path := part.strip()))
    if not paths:
        if listed:
            raise SettingsError("HOROLOG_AUTH_KEY_FILE names no file")
        return None
    if environment.get("AUTH_JWKS_URL"):
        raise SettingsError("HOROLOG_AUTH_KEY_FILE and AUTH_JWKS_URL exclude each other: one issuer signs the tokens")
    return BuiltInIssuer(paths)


def _decision_service(environment: Mapping[str, str], read_file: Callable[[str], str]) -> DecisionService | None:
    url, token = environment.get("RBAC_URL", ""), secret(environment, "RBAC_TOKEN", read_file)
    if not url:
        if token:
            raise SettingsError("RBAC_URL is missing, but RBAC_TOKEN is there")
        return None
    if not _SAFE_URL.match(url):
        raise SettingsError("RBAC_URL must begin with https://, unless it is of this machine")
    if token and not _TOKEN.fullmatch(token):
        raise SettingsError("RBAC_TOKEN must be a bearer token, of letters, digits and . _ ~ + / - (and = at its end)")
    return DecisionService(url, token)


def _limits(environment: Mapping[str, str]) -> RateLimits:
    return RateLimits(
        tenant=_rate(environment, "HOROLOG_RATE_TENANT", USUAL.tenant),
        caller=_rate(environment, "HOROLOG_RATE_CALLER", USUAL.caller),
        address=_rate(environment, "HOROLOG_RATE_ADDRESS", USUAL.address),
    )


def _rate(environment: Mapping[str, str], name: str, usual: Rate) -> Rate:
    if not (text := environment.get(name, "")):
        return usual
    numbers = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text)
    if numbers is None:
        raise SettingsError(f"{name} must be two numbers like 500/1000: requests a second, and at once")
    return Rate(int(numbers[1]), int(numbers[2]))


def _proxies(text: str) -> tuple[Network, ...]:
    try:
        return networks(part.strip() for part in text.split(",") if part.strip())
    except ValueError as error:
        words = f"HOROLOG_TRUSTED_PROXIES must be networks like 10.0.0.0/8, with commas between them: {error}"
        raise SettingsError(words) from None


def _tls(environment: Mapping[str, str]) -> TlsFiles | None:
    files = tls_files(environment, TLS_PREFIX)
    if files.certificate is None and files.authorities is not None:
        raise SettingsError(f"{TLS_PREFIX}_CA_FILE has no effect without {TLS_PREFIX}_CERT_FILE")
    return None if files.certificate is None else files


def _strong(where: str, token: str) -> str:
    if not token:
        raise SettingsError(f"{where}: a token is missing")
    if len(token) < TOKEN_LENGTH_MIN or len(set(token)) < 6:
        raise SettingsError(f"{where}: a token needs {TOKEN_LENGTH_MIN} characters or more, and not all alike")
    if not _TOKEN.fullmatch(token):
        raise SettingsError(f"{where}: a token has only letters, digits and - . _ ~ + /, and = at its end")
    if any(example in token.lower() for example in _EXAMPLES):
        raise SettingsError(f"{where}: this token looks copied from an example")
    return token


def _job_timeout_s(environment: Mapping[str, str]) -> int:
    """Jobs' timeouts are whole seconds."""
    text = environment.get("SCHEDULER_JOB_TIMEOUT_MS", "")
    if not text:
        return JOB_TIMEOUT_S_DEFAULT
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= len("86400000") else 0
    if not 0 < value <= TIMEOUT_SECONDS_MAX * 1000 or value % 1000:
        raise SettingsError(
            f"SCHEDULER_JOB_TIMEOUT_MS must be a multiple of 1000 above 0, at most {TIMEOUT_SECONDS_MAX * 1000}"
        )
    return value // 1000


def _number(environment: Mapping[str, str], name: str, default: float, maximum: float) -> float:
    try:
        value = float(environment.get(name, default))
    except ValueError:
        value = 0.0
    if not 0 < value <= maximum:
        raise SettingsError(f"{name} must be a number above 0, at most {maximum:g}")
    return value
