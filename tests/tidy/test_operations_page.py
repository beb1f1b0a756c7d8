"""The page on operations names what exists, tells figures that were measured, and has a section for every alert."""

from __future__ import annotations

import re
from typing import Any

import yaml

from horolog.runtime.settings import DRAIN_S_DEFAULT
from schemas.topics import (
    COMMANDS,
    CONTROL,
    DAY_MS,
    FIRES,
    JOB_TABLE,
    KEEP_FOR_EVER,
    TASKS,
    TENANTS,
    TOPICS,
)
from tests.tidy.manifests import known_settings
from tests.tidy.tree import ROOT, committable_files

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
MEASURED = " ".join((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").split())
ASKED = {"SchedulerHighErrorRate", "SchedulerQueueBacklog", "SchedulerHighMemoryUsage", "SchedulerLockTimeouts"}
RULES = ROOT / "deploy" / "prometheus" / "rules"
_SETTING = re.compile(r"`((?:HOROLOG|SCHEDULER|KAFKA|METRICS|PROMETHEUS)_[A-Z_]+[A-Z])`")
_FILE = re.compile(r"`((?:docs|deploy|tests|bench)/[\w/.-]+)`")


def test_settings_and_files_of_the_page_exist() -> None:
    assert set(_SETTING.findall(PAGE)) - known_settings() == set()
    there = {str(path) for path in committable_files()}
    folders = {path[: place.start()] for path in there for place in re.finditer("/", path)}
    assert set(_FILE.findall(PAGE)) - there - folders == set()


def test_figures_of_the_capacity_table_were_measured() -> None:
    table = PAGE.partition("## Capacity")[2].partition("## ")[0]
    told = re.findall(r"3,668|0\.51 ms|0\.80–0\.94 ms|153|590|2\.15 ms|1\.37 s|0\.15|420 MB|764 MB|342 MB|10 %", table)
    assert len(set(told)) == 12
    assert [figure for figure in set(told) if figure not in MEASURED] == []


def test_every_alert_has_a_section() -> None:
    sections = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    rules: list[dict[str, Any]] = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULES.glob("*.yml")]
    alerts = {rule["alert"] for file in rules for group in file["groups"] for rule in group["rules"] if "alert" in rule}
    assert sections >= ASKED | alerts


def test_retention_is_that_of_the_topics() -> None:
    table = PAGE.partition("## Retention")[2]
    rows = dict(re.findall(r"^\| ([^|(]+?)(?: \([^|]*\))? \| ([^|]+?) \|", table, re.MULTILINE))
    days = {topic.name.split(".")[0]: topic.retention_ms / DAY_MS for topic in TOPICS}
    assert (days["commands"], days["results"], rows["commands, results"]) == (7, 7, "7 days")
    assert (days["fires"], days["dlq"], rows["fires, dead letters"]) == (30, 30, "30 days")
    assert (days["outcomes"], days["tasks"], rows["outcomes, tasks"]) == (1, 1, "1 day")
    assert (days["workers"] * 24, days["control"] * 24, rows["beats and revocations"]) == (1, 1, "1 hour")
    assert (days["output"] * 24, rows["what runs print while they go on"]) == (1, "1 hour")
    ever = {topic.name for topic in TOPICS if topic.retention_ms == KEEP_FOR_EVER and not topic.compacted}
    assert ever == set(re.findall(r"`([\w-]+\.v1)`", PAGE.partition("| jobs, tenants")[2].partition("|")[0]))


def test_every_topic_has_its_writers_among_the_parts() -> None:
    rows = dict(re.findall(r"^   \| (\w+) \| (`[^|]*`) \|$", PAGE.partition("| part | writes |")[2], re.MULTILINE))
    written = {part: re.findall(r"`([\w.-]+)`", cell) for part, cell in rows.items()}
    assert {name for names in written.values() for name in names} == {topic.name for topic in TOPICS}
    # What lets its writer run code is one part's alone.
    for name in (COMMANDS.name, JOB_TABLE.name, TENANTS.name, TASKS.name, CONTROL.name, FIRES.name):
        assert len([part for part, names in written.items() if name in names]) == 1, name


def test_drain_is_the_default() -> None:
    assert f"`HOROLOG_DRAIN_S` ({DRAIN_S_DEFAULT} s)" in PAGE
