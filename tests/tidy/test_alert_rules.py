"""The alert rules ask for what is measured, say what to do, and are each tested; Prometheus finds every service."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.tidy.expressions import breaches
from tests.tidy.test_compose import ON_DEMAND, OURS, SERVICES
from tests.tidy.tree import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
GROUPS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "rules" / "horolog.yml").read_text(encoding="utf-8"))["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDS = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
TESTS = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "tests").glob("*.yml"))]
RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

ASKED_FOR = {
    "SchedulerHighErrorRate": ("2m", "critical", "> 0.05", "[5m]"),
    "SchedulerQueueBacklog": ("5m", "warning", "> 5000", ""),
    "SchedulerHighMemoryUsage": ("3m", "warning", "> 0.9 * 1024 * 1024 * 1024", ""),
    "SchedulerLockTimeouts": ("2m", "critical", "> 10", "[5m]"),
}
OUR_OWN = {
    "PartMissing",
    "ScheduleOverdue",
    "TakeoverLoop",
    "DeadLetters",
    "ConsumerLag",
    "LatenessBudgetBurn",
    "LedgerViolation",
}


def _name(rule: dict[str, Any]) -> str:
    return f"{rule['alert']} {rule['labels'].get('window', '')}".strip()


def _asked(expression: str) -> str:
    """The expression with what it takes from recording rules written out."""
    for record, recorded in RECORDS.items():
        expression = expression.replace(record, recorded)
    return expression


def test_alerts_that_were_asked_for_are_there_by_name_threshold_and_time() -> None:
    by_name = {rule["alert"]: rule for rule in ALERTS}
    assert set(by_name) == set(ASKED_FOR) | OUR_OWN
    for name, (lasting, severity, threshold, window) in ASKED_FOR.items():
        rule = by_name[name]
        assert (rule["for"], rule["labels"]) == (lasting, {"severity": severity})
        assert rule["expr"].strip().endswith(threshold)
        assert set(re.findall(r"\[\w+\]", rule["expr"])) <= {window}


@pytest.mark.parametrize("rule", ALERTS, ids=_name)
def test_alert_asks_for_what_is_measured_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert breaches(_asked(rule["expr"])) == []
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    assert told["description"].endswith(".")
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert told["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert f"\n### {rule['alert']}\n" in RUNBOOK


def test_every_part_that_is_not_to_be_chosen_is_missed_when_it_is_gone() -> None:
    (rule,) = [rule for rule in ALERTS if rule["alert"] == "PartMissing"]
    assert set(re.findall(r'absent\([\w:]+{role="(\w+)"}\)', rule["expr"])) == OURS - ON_DEMAND.keys()


def test_runbook_is_about_alerts_that_there_are() -> None:
    section = RUNBOOK.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (\w+)$", section, re.MULTILINE)) == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("record", sorted(RECORDS))
def test_recorded_figure_is_used(record: str) -> None:
    assert any(record in rule["expr"] for rule in ALERTS)
    assert breaches(RECORDS[record]) == []


@pytest.mark.parametrize("name", sorted({rule["alert"] for rule in ALERTS}))
def test_every_alert_is_seen_to_fire_and_not_to_fire(name: str) -> None:
    cases = [case for tests in TESTS for test in tests["tests"] for case in test["promql_expr_test"]]
    of_alert = [case for case in cases if f'"{name}"' in case["expr"]]
    assert any(case.get("exp_samples") for case in of_alert)
    assert any(not case.get("exp_samples") for case in of_alert)


def test_prometheus_scrapes_every_service_at_its_port() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    named, others = config["scrape_configs"]
    (found,) = named["dns_sd_configs"]
    assert set(found["names"]) == OURS
    assert {SERVICES[name]["environment"]["PROMETHEUS_PORT"] for name in OURS} == {str(found["port"])}
    assert named["relabel_configs"] == [{"source_labels": ["__meta_dns_name"], "target_label": "service"}]
    assert others["file_sd_configs"] == [{"files": ["targets/*.yml"]}]
    assert config["alerting"]["alertmanagers"][1] == {"file_sd_configs": [{"files": ["alertmanagers/*.yml"]}]}
    [own] = config["alerting"]["alertmanagers"][0]["dns_sd_configs"]
    assert own["names"] == ["alertmanager"]
    assert f":{own['port']}/" in SERVICES["alertmanager"]["healthcheck"]["test"][-1]
    assert all((FOLDER / pattern).parent.is_dir() for pattern in config["rule_files"])
