"""What promtool says of the rules, of their test cases, and of the configuration."""

import subprocess
from pathlib import Path

import pytest

from deploy.local.prometheus import Binaries, prometheus_binaries
from tests.integration.monitoring.quick import FOLDER, RULES, told_by


@pytest.fixture(scope="module")
def tools() -> Binaries:
    """Prometheus of the system's packages; where it cannot be had, that is a failure."""
    return prometheus_binaries()


def promtool(tools: Binaries, *arguments: str | Path) -> str:
    return told_by(tools.promtool, *arguments)


def test_rules_are_understood(tools: Binaries) -> None:
    assert "SUCCESS: 17 rules found" in promtool(tools, "check", "rules", RULES)


def test_configuration_is_understood(tools: Binaries) -> None:
    assert "SUCCESS" in promtool(tools, "check", "config", FOLDER / "prometheus.yml")


@pytest.mark.parametrize("name", ["asked_for.yml", "ours.yml"])
def test_alerts_fire_when_they_are_to_and_else_not(tools: Binaries, name: str) -> None:
    assert "SUCCESS" in promtool(tools, "test", "rules", FOLDER / "tests" / name)


def test_case_that_is_wrong_is_found(tools: Binaries, tmp_path: Path) -> None:
    """Were nothing of the cases looked at, they would all be in order."""
    text = (FOLDER / "tests" / "asked_for.yml").read_text("utf-8")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        text.replace("../rules/horolog.yml", str(RULES)).replace("values: 0+4x60", "values: 0+1x60"), "utf-8"
    )
    done = subprocess.run([str(tools.promtool), "test", "rules", str(wrong)], capture_output=True, check=False)
    assert done.returncode != 0
