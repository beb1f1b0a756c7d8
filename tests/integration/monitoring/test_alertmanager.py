"""What Alertmanager makes of deploy/alertmanager: to whom each alert goes, and that it is told from end to end."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.alertmanager import Binaries, alertmanager_binaries, private_alertmanager
from tests.e2e.system import free_port
from tests.integration.monitoring.quick import scraping, told_by
from tests.integration.notifications.receiving import Hook
from tests.tidy.test_alert_rules import ALERTS
from tests.tidy.test_compose import OURS
from tests.tidy.tree import ROOT

CONFIG = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
SECRET = "/run/secrets/alert_hook_url"
RECEIVERS = {"critical": "at-once", "warning": "by-day"}
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def tools() -> Binaries:
    """Alertmanager of the system's packages; where it cannot be had, that is a failure."""
    return alertmanager_binaries()


def amtool(tools: Binaries, *arguments: str | Path) -> str:
    return told_by(tools.amtool, *arguments)


def test_configuration_is_understood(tools: Binaries) -> None:
    assert "SUCCESS" in amtool(tools, "check-config", CONFIG)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']} {rule['labels'].get('window', '')}".strip())
def test_alert_goes_where_its_severity_says(tools: Binaries, rule: dict[str, Any]) -> None:
    labels = [f"{name}={value}" for name, value in {"alertname": rule["alert"], **rule["labels"]}.items()]
    told = amtool(tools, "config", "routes", "test", f"--config.file={CONFIG}", *labels)
    assert told.strip() == RECEIVERS[rule["labels"]["severity"]]


def test_mutings_name_alerts_and_labels_that_there_are() -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    matchers = [
        text for rule in config["inhibit_rules"] for side in ("source", "target") for text in rule[f"{side}_matchers"]
    ]
    named = {text.partition("=")[2].strip('"') for text in matchers if text.startswith("alertname=")}
    assert named <= {rule["alert"] for rule in ALERTS}


def quickened(folder: Path, hook: str) -> Path:
    """The configuration with waits that a test can bear, and the address of a hook for its secret."""
    secret, config = folder / "hook", folder / "alertmanager.yml"
    secret.write_text(f"{hook}\n", encoding="utf-8")
    text = CONFIG.read_text(encoding="utf-8")
    assert SECRET in text
    assert "group_wait: 10s" in text
    config.write_text(text.replace(SECRET, str(secret)).replace("group_wait: 10s", "group_wait: 1s"), encoding="utf-8")
    return config


@pytest.mark.slow
async def test_parts_that_are_missing_are_told_to_somebody(tmp_path: Path) -> None:
    async with Hook() as hook:
        with private_alertmanager(tmp_path, quickened(tmp_path, hook.url)) as address:
            (tmp_path / "alertmanagers").mkdir()
            found = yaml.safe_dump([{"targets": [address]}])
            (tmp_path / "alertmanagers" / "local.yml").write_text(found, encoding="utf-8")
            async with scraping(tmp_path, free_port(), {}), asyncio.timeout(TIMEOUT_S):
                await hook.arrived.wait()
    [told] = json.loads(hook.got[0].body)["attachments"]
    assert told["title"] == "critical: PartMissing"
    assert [part for part in OURS - {"analytics"} if f"No {part} does its work" not in told["text"]] == []
