"""deploy/compose.yaml keeps what operations rely on: health, limits, start order, walls, and no secret in it.

No engine is asked; what can be told from the text is told from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.kafka_jars import kafka_version
from horolog.limits import CANCEL_GRACE_S, LEASE_S
from tests.tidy.manifests import analytics_leaving_s, is_secret, known_settings, megabytes, seconds
from tests.tidy.tree import ROOT

DEPLOY = ROOT / "deploy"
OURS = {"api", "ticker", "dispatcher", "executor", "projections", "notifier", "analytics"}
ON_DEMAND = {"analytics": "analytics", "alertmanager": "alerts"}
"""Services that are not always wanted, and the profiles that bring them."""
ONE_SHOT = {"migrate", "topics"}
SERVERS = {"postgres", "valkey", "kafka"}
WATCHERS = {"prometheus", "alertmanager", "grafana"}
TWICE = {"ticker", "dispatcher", "executor"}
TRACING = {"api", "dispatcher", "executor"}
MEGABYTES_MAX = 1024

TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

ADDITIONS: dict[str, dict[str, Any]] = {
    path.name.split(".")[1]: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(DEPLOY.glob("compose.*.yaml"))
}
"""What one file more brings, by its name."""
ADDED_TO = {"traces": TRACING, "audit-sink": {"projections"}, "mail": {"notifier"}}

_WAITING = {"service_healthy", "service_completed_successfully"}


def _depended_on(service: str) -> set[str]:
    """Everything that must be up before a service starts, near or far."""
    direct = set(SERVICES[service].get("depends_on", {}))
    return direct.union(*(_depended_on(name) for name in direct))


def _given_secrets(services: dict[str, dict[str, Any]]) -> list[str]:
    """Every secret that stands in the environment, where it has a value other than an address without a password."""
    given = [
        f"{service}: {name}"
        for service, described in services.items()
        for name, value in described.get("environment", {}).items()
        if is_secret(name) and not re.fullmatch(r"redis://[\w.-]+:\d+/\d+", str(value))
    ]
    return [*given, *re.findall(r"\w+://[^\s/:]+:[^\s/@]+@", yaml.safe_dump(services))]


def _mounted(services: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Every path of the repository that is mounted, relative to deploy/."""
    for described in services.values():
        yield from (mount.split(":")[0] for mount in described.get("volumes", ()) if mount.startswith("./"))


def _configured(name: str) -> list[str]:
    """The secrets that a service's own file names, which is the one called like it."""
    path = DEPLOY / name / f"{name}.yml"
    return re.findall(r"/run/secrets/\w+", path.read_text(encoding="utf-8")) if path.is_file() else []


def _networks(name: str) -> set[str]:
    return set(SERVICES[name]["networks"])


def test_every_part_is_there() -> None:
    assert set(SERVICES) == OURS | ONE_SHOT | SERVERS | WATCHERS
    assert {name for name, service in SERVICES.items() if service.get("scale", 1) == 2} == TWICE
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        name: [profile] for name, profile in ON_DEMAND.items()
    }


@pytest.mark.parametrize("name", sorted(OURS | ONE_SHOT))
def test_image_has_what_its_service_needs(name: str) -> None:
    service = SERVICES[name]
    stage = "analytics" if name in ON_DEMAND else "horolog"
    assert service["image"] == {"analytics": "horolog-analytics:0.1.0", "horolog": "horolog:0.1.0"}[stage]
    assert service["build"].get("target", _last_stage()) == stage


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_lasting_service_is_watched_and_restarted(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(OURS))
def test_own_service_is_healthy_when_it_is_ready(name: str) -> None:
    assert "/readyz" in SERVICES[name]["healthcheck"]["test"][-1]
    assert SERVICES[name]["environment"]["METRICS_ENABLED"] == "true"
    assert SERVICES[name]["environment"]["PROMETHEUS_PORT"] in SERVICES[name]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_one_shot_service_runs_once(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    assert SERVICES[name]["healthcheck"] == {"disable": True}


def test_start_migrates_by_what_only_adds_and_the_rest_is_the_operators_to_say() -> None:
    assert SERVICES["migrate"]["command"] == ["migrate", "--pre"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_memory_cpu_and_processes_are_bounded(name: str) -> None:
    assert megabytes(SERVICES[name]["mem_limit"]) <= MEGABYTES_MAX
    assert SERVICES[name]["cpus"] <= (0.75 if name in OURS | ONE_SHOT else 1.0)
    assert SERVICES[name]["pids_limit"] <= 4096


@pytest.mark.parametrize("name", sorted(OURS))
def test_own_service_has_the_limits_that_were_asked_for(name: str) -> None:
    assert (SERVICES[name]["mem_limit"], SERVICES[name]["cpus"]) == ("1024m", 0.75)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_container_has_no_privilege_to_lose(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not {"cap_add", "privileged", "pid", "ipc", "network_mode", "devices"} & set(service)
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0


@pytest.mark.parametrize("name", sorted(OURS))
def test_own_service_is_named_by_its_command_and_starts_last(name: str) -> None:
    assert SERVICES[name]["command"] == ["serve", name]
    assert _depended_on(name) >= ONE_SHOT | {"postgres", "kafka"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_start_order_waits_for_readiness(name: str) -> None:
    for needed, need in SERVICES[name].get("depends_on", {}).items():
        assert need["condition"] in _WAITING
        is_checked = "test" in SERVICES[needed]["healthcheck"]
        assert is_checked == (need["condition"] == "service_healthy"), needed


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_image_is_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d[\w.]*", SERVICES[name]["image"])


def test_broker_is_the_one_the_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_only_api_and_dashboards_are_reachable_and_only_who_runs_jobs_or_tells_somebody_reaches_out() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api", "grafana"}
    assert {name for name in SERVICES if "edge" in _networks(name)} == {"api", "grafana"}
    assert {name for name in SERVICES if "outward" in _networks(name)} == {"executor", "notifier", "alertmanager"}
    internal = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    assert internal == set(COMPOSE["networks"]) - {"edge", "outward"}


def test_callers_reach_no_server_and_jobs_no_cache() -> None:
    assert _networks("postgres") == _networks("kafka") == {"data"}
    assert {name for name in SERVICES if "cache" in _networks(name)} == {"valkey", "api", "projections"}
    assert {name for name in WATCHERS if "data" in _networks(name)} == set()
    assert {name for name in SERVICES if "traces" in _networks(name)} == TRACING


def test_every_variable_of_ours_is_a_setting() -> None:
    given = {name for service in OURS | ONE_SHOT for name in SERVICES[service]["environment"]}
    assert given - known_settings() == set()


def test_every_mounted_file_is_in_the_repository() -> None:
    assert set(_mounted(SERVICES)) == {
        "./prometheus/prometheus.yml",
        "./prometheus/rules",
        "./prometheus/targets",
        "./prometheus/alertmanagers",
        "./alertmanager/alertmanager.yml",
        "./grafana/provisioning",
        "./grafana/dashboards",
    }
    made = [path for path in _mounted(SERVICES) if (DEPLOY / Path(path).parts[0]).is_dir()]
    assert [path for path in made if not (DEPLOY / path).exists()] == []


def test_no_secret_stands_in_the_file() -> None:
    assert _given_secrets(SERVICES) == []


@pytest.mark.parametrize(
    "environment",
    [
        {"A_TOKEN": "${A_TOKEN:-x}"},
        {"A_TOKEN": "${A_TOKEN}"},
        {"POSTGRES_PASSWORD": "horolog"},
        {"DATABASE_URL": "postgresql://a@b/c"},
        {"REDIS_URL": "redis://:word@valkey:6379/0"},
        {"ELSEWHERE": "https://user:word@example.com"},
    ],
)
def test_secret_in_the_file_is_found(environment: dict[str, str]) -> None:
    assert _given_secrets({"a": {"environment": environment}})


def test_secret_as_a_file_and_an_address_without_a_password_are_left_alone() -> None:
    given = {"A_TOKEN_FILE": "/run/secrets/a", "REDIS_URL": "redis://valkey:6379/0"}
    assert _given_secrets({"a": {"environment": given}}) == []


def test_every_secret_is_a_file_and_given_to_those_who_name_it() -> None:
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    assert all(secret["file"].startswith("./secrets/") for secret in COMPOSE["secrets"].values())
    for name, service in SERVICES.items():
        values = [*map(str, service.get("environment", {}).values()), *_configured(name)]
        named = {value.removeprefix("/run/secrets/") for value in values if value.startswith("/run/secrets/")}
        assert named == set(service.get("secrets", ())), name
        assert named <= set(COMPOSE["secrets"])


def test_nobody_is_given_a_key_that_he_does_not_need() -> None:
    holders = {
        secret: {n for n in SERVICES if secret in SERVICES[n].get("secrets", ())} for secret in COMPOSE["secrets"]
    }
    assert holders["master_keys"] == {"api", "executor", "notifier"}
    assert holders["task_keys"] == {"dispatcher", "executor"}
    assert holders["command_keys"] == {"api", "dispatcher"}
    assert holders["database_url"] == {"api", "executor", "projections", "notifier", "migrate"}
    assert holders["internal_service_token"] == holders["auth_key"] == {"api"}


@pytest.mark.parametrize("name", sorted(ADDED_TO))
def test_addition_gives_secrets_as_files_to_those_who_need_them(name: str) -> None:
    added = ADDITIONS[name]
    assert set(added["services"]) == ADDED_TO[name]
    assert _given_secrets(added["services"]) == []
    for service in added["services"].values():
        assert set(service) <= {"environment", "networks", "secrets"}
        assert set(service["environment"]) <= known_settings()
        files = [value for value in service["environment"].values() if value.startswith("/")]
        assert files == [f"/run/secrets/{secret}" for secret in service["secrets"]]
        assert set(service["secrets"]) == set(added["secrets"])
        assert set(service.get("networks", ())) <= {"outward"}
    assert all(secret["file"] == f"./secrets/{key}" for key, secret in added["secrets"].items())
    assert not added["secrets"].keys() & COMPOSE["secrets"].keys()


def test_every_addition_is_known_and_only_that_of_traces_opens_a_network() -> None:
    assert set(ADDITIONS) == set(ADDED_TO)
    opened = {name: added["networks"] for name, added in ADDITIONS.items() if "networks" in added}
    assert opened == {"traces": {"traces": {"internal": False}}}


def test_settings_of_the_example_are_settings_and_none_is_a_secret() -> None:
    text = (DEPLOY / "horolog.env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in named
    assert named - known_settings() == set()
    assert [name for name in named if is_secret(name)] == []
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == []


def test_executor_is_given_the_time_to_drain() -> None:
    executor = SERVICES["executor"]
    drain_s = float(executor["environment"]["HOROLOG_DRAIN_S"])
    assert seconds(executor["stop_grace_period"]) > drain_s + CANCEL_GRACE_S + LEASE_S


def test_analytics_is_given_the_time_to_make_durable_what_it_has() -> None:
    assert seconds(SERVICES["analytics"]["stop_grace_period"]) > analytics_leaving_s()


def test_api_listens_where_its_port_is_published() -> None:
    environment = SERVICES["api"]["environment"]
    assert environment["HOROLOG_API_HOST"] == "0.0.0.0"
    assert SERVICES["api"]["ports"] == [f"${{HOROLOG_BIND:-127.0.0.1}}:3009:{environment['HOROLOG_API_PORT']}"]


def _stages() -> dict[str, str]:
    """What the Dockerfile does, by stage."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    found = re.split(r"^FROM \S+ AS (\S+)$", text, flags=re.MULTILINE)
    assert text.count("\nFROM ") == len(found) // 2
    return dict(zip(found[1::2], found[2::2], strict=True))


def _last_stage() -> str:
    """What is built where no target is named."""
    return list(_stages())[-1]


@pytest.mark.parametrize("stage", ["horolog", "analytics"])
def test_image_runs_without_root(stage: str) -> None:
    user = re.search(r"^USER (\d+):(\d+)$", _stages()[stage], re.MULTILINE)
    assert user is not None
    assert f"{user[1]}:{user[2]}" == SERVICES["api"]["user"] != "0:0"


def test_image_is_made_from_hashed_requirements() -> None:
    installs = re.findall(r"pip install (.*)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert installs
    assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installs)
    assert "deploy/requirements/analytics.txt" in _stages()["build-analytics"]
    assert "deploy/requirements/runtime.txt" in _stages()["build"]
