"""The compose files are what the Compose Specification's own library takes, alone and one over the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.local.compose_files import ComposeRefused, loaded
from tests.tidy.test_compose import ADDITIONS, COMPOSE, DEPLOY, SERVICES

MAIN = DEPLOY / "compose.yaml"
ASKED_FOR = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example:4318",
    "HOROLOG_AUDIT_SINK_URL": "https://audit.example",
    "HOROLOG_SMTP_HOST": "mail.example",
    "HOROLOG_SMTP_FROM": "horolog@example.com",
    "HOROLOG_SMTP_USERNAME": "horolog",
}
"""What the files demand of the environment."""


def addition(name: str) -> Path:
    """The file that brings this."""
    return DEPLOY / f"compose.{name}.yaml"


def test_main_file_needs_nothing_of_the_environment_and_has_every_service() -> None:
    project = loaded([MAIN], {})
    assert project["name"] == COMPOSE["name"]
    assert set(project["services"]) == set(SERVICES)
    assert project["services"]["ticker"]["scale"] == 2


@pytest.mark.parametrize("name", sorted(ADDITIONS))
def test_addition_goes_over_the_main_file_and_takes_nothing_away(name: str) -> None:
    alone, together = loaded([MAIN], {}), loaded([MAIN, addition(name)], ASKED_FOR)
    for service, added in ADDITIONS[name]["services"].items():
        before, after = alone["services"][service], together["services"][service]
        assert set(after["environment"]) == set(before["environment"]) | set(added["environment"])
        assert set(after["networks"]) == set(before["networks"]) | set(added.get("networks", ()))
        sources = {secret["source"] for secret in before.get("secrets", ())}
        assert {secret["source"] for secret in after["secrets"]} == sources | set(added["secrets"])


def test_all_additions_go_together() -> None:
    together = loaded([MAIN, *map(addition, sorted(ADDITIONS))], ASKED_FOR)
    assert "internal" not in together["networks"]["traces"]


@pytest.mark.parametrize("name", sorted(ADDITIONS))
def test_addition_refuses_to_go_without_what_it_needs(name: str) -> None:
    with pytest.raises(ComposeRefused, match="required variable"):
        loaded([MAIN, addition(name)], {})


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("mem_limit: 512m", "memory_limit: 512m"),
        ("cpus: 0.5", "cpus: {}"),
        ("condition: service_healthy", "condition: service_sound"),
        ("networks: [cache]", "networks: [cash]"),
        ("secrets: [grafana_password]", "secrets: [password]"),
        ("valkey: {condition", "valkie: {condition"),
    ],
)
def test_planted_mistake_is_found(tmp_path: Path, line: str, mistake: str) -> None:
    text = MAIN.read_text(encoding="utf-8")
    assert line in text
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(text.replace(line, mistake), encoding="utf-8")
    with pytest.raises(ComposeRefused, match=re.compile(r"false schema|must be|undefined", re.IGNORECASE)):
        loaded([wrong], {})
