"""deploy/compose.yaml keeps what operations rely on: health, limits, start order, no default secret."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from deploy.local.kafka_jars import kafka_version
from tests.tidy.tree import ROOT

OURS = {"api", "ticker", "dispatcher", "executor", "projections", "notifier"}
ONE_SHOT = {"migrate", "topics"}
SERVERS = {"postgres", "valkey", "kafka"}
MEGABYTES_MAX = 1024

TEXT = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]

_SECRET_NAME = re.compile("PASSWORD|TOKEN|SECRET|KEY")
_WAITING = {"service_healthy", "service_completed_successfully"}


def _given_secrets(text: str) -> list[str]:
    """Every secret that has a value of its own, or may be missing, instead of being demanded from outside."""
    named = re.findall(r"\$\{(\w+)(.*?)\}", text)
    lenient = [name for name, rest in named if _SECRET_NAME.search(name) and not rest.startswith(":?")]
    literal = re.findall(r"^ *(\w*(?:PASSWORD|TOKEN|SECRET|KEY)\w*): *([^$\s].*)$", text, re.MULTILINE)
    return [*lenient, *(name for name, _ in literal)]


def _depended_on(service: str) -> set[str]:
    """Everything that must be up before a service starts, near or far."""
    direct = set(SERVICES[service].get("depends_on", {}))
    return direct.union(*(_depended_on(name) for name in direct))


def test_every_part_is_there() -> None:
    assert set(SERVICES) == OURS | ONE_SHOT | SERVERS


@pytest.mark.parametrize("name", sorted(OURS | SERVERS))
def test_lasting_service_is_watched_and_restarted(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_one_shot_service_runs_once(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    assert SERVICES[name]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_memory_and_cpu_are_bounded(name: str) -> None:
    limit: str = SERVICES[name]["mem_limit"]
    assert limit.endswith("m")
    assert int(limit.removesuffix("m")) <= MEGABYTES_MAX
    assert SERVICES[name]["cpus"] <= (1.0 if name in SERVERS else 0.75)


@pytest.mark.parametrize("name", sorted(OURS | ONE_SHOT))
def test_own_container_has_no_privilege_to_lose(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True


@pytest.mark.parametrize("name", sorted(OURS))
def test_own_service_is_named_by_its_command_and_starts_last(name: str) -> None:
    assert SERVICES[name]["command"] == ["serve", name]
    assert _depended_on(name) >= ONE_SHOT | SERVERS


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_start_order_waits_for_readiness(name: str) -> None:
    conditions = {need["condition"] for need in SERVICES[name].get("depends_on", {}).values()}
    assert conditions <= _WAITING


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_image_is_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:\d[\w.]*", SERVICES[name]["image"])


def test_broker_is_the_one_the_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_only_the_api_is_reachable_from_outside() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api"}
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"api", "executor", "notifier"}


def test_no_secret_has_a_default() -> None:
    assert _given_secrets(TEXT) == []


def test_default_secret_is_found() -> None:
    assert _given_secrets("a: ${A_TOKEN:-x}") == ["A_TOKEN"]
    assert _given_secrets("a: ${A_TOKEN}") == ["A_TOKEN"]
    assert _given_secrets("  POSTGRES_PASSWORD: horolog\n") == ["POSTGRES_PASSWORD"]
    assert _given_secrets("  A_TOKEN: ${A_TOKEN:?set it}\n") == []


def test_image_runs_without_root_from_hashed_requirements() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    last_stage = dockerfile.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!root|0)\w+", last_stage, re.MULTILINE)
    installs = re.findall(r"pip install (.*)", dockerfile)
    assert installs
    assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installs)
