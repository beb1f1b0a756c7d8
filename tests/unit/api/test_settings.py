"""The API's settings: tokens are strong, known by their digests, or the process does not start."""

from dataclasses import replace

import pytest

from horolog.domain.addresses import networks
from horolog.domain.rates import Rate
from horolog.runtime.settings_error import SettingsError
from services.api.issuer import Algorithm, Issuer
from services.api.permissions import EVERYTHING, Permission
from services.api.rates import USUAL
from services.api.settings import BuiltInIssuer, digest_of, from_environment
from tests.unit.api.world import OUR_TOKEN, OURS, SERVICE_TOKEN, THEIRS

GOOD = {"INTERNAL_SERVICE_TOKEN": SERVICE_TOKEN}


def test_tokens_are_read_from_both_places() -> None:
    listed = {**GOOD, "HOROLOG_TOKENS": f"{OUR_TOKEN}={OURS}:billing,", "HOROLOG_TOKENS_FILE": "tokens.txt"}
    settings = from_environment(listed, {"tokens.txt": f"# theirs\nabcdefgh+/12345678=={'='}{THEIRS}\n"}.__getitem__)
    assert [(token.tenant_id, token.name) for token in settings.tokens] == [
        (OURS, "billing"),
        (THEIRS, f"tenant-{THEIRS[:8]}"),
    ]
    assert settings.tokens[1].digest == digest_of("abcdefgh+/12345678==")
    assert (settings.host, settings.port, settings.wait_s) == ("127.0.0.1", 3009, 5.0)


def test_services_are_read_with_their_names_and_what_they_may_do() -> None:
    padded = "abcdefgh+/12345678=="
    listed = f"{SERVICE_TOKEN}, {padded}, {OUR_TOKEN}=billing, x{OUR_TOKEN}=reader:jobs:read+executions:read"
    plain, base64, billing, reader = from_environment({"INTERNAL_SERVICE_TOKEN": listed}).services
    assert (plain.digest, base64.digest) == (digest_of(SERVICE_TOKEN), digest_of(padded))
    assert [service.name for service in (plain, base64, billing, reader)] == [
        "internal",
        "internal",
        "billing",
        "reader",
    ]
    assert (plain.permissions, billing.permissions) == (EVERYTHING, EVERYTHING)
    assert reader.permissions == {Permission.JOBS_READ, Permission.EXECUTIONS_READ}


@pytest.mark.parametrize(
    "listed",
    [
        f"{SERVICE_TOKEN},{SERVICE_TOKEN}",
        f"{SERVICE_TOKEN},{SERVICE_TOKEN}=other",
        f"{SERVICE_TOKEN}=a name",
        f"{SERVICE_TOKEN}=reader:jobs:everything",
        f"{SERVICE_TOKEN}=reader:audit:read",
        f"{SERVICE_TOKEN}=reader:jobs:read+users:manage",
        f"{SERVICE_TOKEN},short=billing",
        ",",
    ],
)
def test_entry_that_is_no_token_of_a_service_stops_the_start(listed: str) -> None:
    with pytest.raises(SettingsError, match="INTERNAL_SERVICE_TOKEN") as refused:
        from_environment({"INTERNAL_SERVICE_TOKEN": listed})
    assert SERVICE_TOKEN not in str(refused.value)


AUTH = {
    **GOOD,
    "AUTH_JWKS_URL": "https://auth.example/keys",
    "AUTH_ISSUER": "https://auth.example",
    "AUTH_AUDIENCE": "horolog",
}


def test_an_auth_service_is_believed_when_all_of_it_is_named() -> None:
    service = from_environment(AUTH).auth
    assert service is not None
    assert service.issuer == Issuer("https://auth.example", "horolog", Algorithm.ED_DSA)
    assert from_environment({**AUTH, "AUTH_JWKS_URL": "http://127.0.0.1:8080/keys"}).auth is not None
    assert from_environment(GOOD).auth is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_JWKS_URL", "http://auth.example/keys"),
        ("AUTH_JWKS_URL", "http://localhost.evil.example/keys"),
        ("AUTH_JWKS_URL", "http://localhost:80@evil.example/keys"),
        ("AUTH_JWKS_URL", "https://auth.example@evil.example/keys"),
        ("AUTH_JWKS_URL", "file:///keys"),
        ("AUTH_JWKS_URL", ""),
        ("AUTH_ISSUER", ""),
        ("AUTH_AUDIENCE", ""),
        ("AUTH_ALGORITHM", "none"),
        ("AUTH_ALGORITHM", "HS256"),
    ],
)
def test_an_auth_service_that_is_named_in_part_or_unsafe_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match="AUTH_"):
        from_environment({**AUTH, name: value})


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 40, "change-me-please-now", "your-secret-token-here", "white space 0123456789"]
)
def test_weak_token_stops_the_start_without_being_told(token: str) -> None:
    for environment in (
        {"INTERNAL_SERVICE_TOKEN": token},
        {**GOOD, "HOROLOG_TOKENS": f"{token}={OURS}"},
    ):
        with pytest.raises(SettingsError) as refused:
            from_environment(environment)
        assert not token or token not in str(refused.value)


@pytest.mark.parametrize(
    "entry",
    [
        OUR_TOKEN,
        f"{OUR_TOKEN}=us",
        f"{OUR_TOKEN}={OURS.upper()}",
        f"{OUR_TOKEN}=00000000-0000-0000-0000-000000000000",
        f"{OUR_TOKEN}={OURS}:a name",
        f"{OUR_TOKEN}={OURS},{OUR_TOKEN}={THEIRS}",
    ],
)
def test_entry_that_is_no_token_of_a_tenant_stops_the_start(entry: str) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_TOKENS"):
        from_environment({**GOOD, "HOROLOG_TOKENS": entry})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOROLOG_API_PORT", "0"),
        ("HOROLOG_API_PORT", "70000"),
        ("HOROLOG_INTERNAL_PORT", "70000"),
        ("HOROLOG_INTERNAL_PORT", "3009"),
        ("HOROLOG_API_WAIT_S", "soon"),
        ("HOROLOG_API_WAIT_S", "nan"),
        ("SCHEDULER_JOB_TIMEOUT_MS", "0"),
        ("SCHEDULER_JOB_TIMEOUT_MS", "1500"),
        ("SCHEDULER_JOB_TIMEOUT_MS", "86401000"),
        ("SCHEDULER_JOB_TIMEOUT_MS", "5m"),
    ],
)
def test_number_out_of_bounds_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({**GOOD, name: value})


def test_timeout_of_jobs_that_name_none_is_five_minutes_or_what_the_environment_says() -> None:
    assert from_environment(GOOD).job_timeout_s == 300
    assert from_environment({**GOOD, "SCHEDULER_JOB_TIMEOUT_MS": "600000"}).job_timeout_s == 600


def test_limits_and_trusted_proxies_are_read_from_the_environment() -> None:
    settings = from_environment(
        {**GOOD, "HOROLOG_RATE_CALLER": "5/20", "HOROLOG_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7"}
    )
    assert settings.limits == replace(USUAL, caller=Rate(5, 20))
    assert settings.proxies == networks(["10.0.0.0/8", "192.0.2.7"])
    assert from_environment(GOOD).limits == USUAL
    assert from_environment(GOOD).proxies == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOROLOG_RATE_TENANT", "500"),
        ("HOROLOG_RATE_CALLER", "0/10"),
        ("HOROLOG_RATE_ADDRESS", "10/-1"),
        ("HOROLOG_RATE_ADDRESS", "off"),
        ("HOROLOG_TRUSTED_PROXIES", "a.proxy.example"),
        ("HOROLOG_TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_limit_or_proxy_that_cannot_be_read_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({**GOOD, name: value})


def test_missing_file_stops_the_start(tmp_path: object) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_TOKENS_FILE"):
        from_environment({**GOOD, "HOROLOG_TOKENS_FILE": f"{tmp_path}/none"})


def test_key_files_turn_the_built_in_issuer_on_and_an_outside_service_excludes_it() -> None:
    assert from_environment(GOOD).issuer is None
    settings = from_environment({**GOOD, "HOROLOG_AUTH_KEY_FILE": "/keys/new.pem, /keys/old.pem"})
    assert settings.issuer == BuiltInIssuer(("/keys/new.pem", "/keys/old.pem"))
    for wrong in ({**AUTH, "HOROLOG_AUTH_KEY_FILE": "/keys/new.pem"}, {**GOOD, "HOROLOG_AUTH_KEY_FILE": " , "}):
        with pytest.raises(SettingsError, match="HOROLOG_AUTH_KEY_FILE"):
            from_environment(wrong)
