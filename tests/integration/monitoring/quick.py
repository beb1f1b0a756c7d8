"""Prometheus as deploy/prometheus has it, only quicker: it looks each second, and alerts need not last.

The rules are the real ones, but for their `for` and the windows of their rates. A test that provokes a cause in small
says with which threshold that has to show.
"""

import math
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local.prometheus import PrivatePrometheus
from deploy.local.watch import written
from tests.tidy.tree import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "rules" / "horolog.yml"
WINDOW = "20s"
EVERY = "1s"
ABSENT_FOR = "10s"
TOOL_S_MAX = 60
_WINDOW = re.compile(r"(?<=\[)(?:5m|10m|30m|1h|6h)(?=\])|(?<=offset )10m")


@dataclass(frozen=True, slots=True)
class Series:
    """What a query found for one set of labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    http: httpx.AsyncClient

    async def series(self, expression: str) -> list[Series]:
        """What an expression finds at present, as far as it is numbers."""
        answer = await self.http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found = [Series(sample["metric"], float(sample["value"][1])) for sample in answer.json()["data"]["result"]]
        return [one for one in found if not math.isnan(one.value)]

    async def ask(self, expression: str) -> list[float]:
        """The values of an expression at present, as far as they are numbers."""
        return [one.value for one in await self.series(expression)]

    async def fired(self) -> set[str]:
        """The names of all alerts that have fired since it began."""
        found = await self.series('max by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))')
        return {one.labels["alertname"] for one in found}

    async def firing(self) -> set[str]:
        """The names of the alerts that fire at present."""
        alerts = (await self.http.get("/api/v1/alerts")).json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Prometheus]:
    """The Prometheus at this address."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30.0) as http:
        yield Prometheus(http)


@asynccontextmanager
async def scraping(folder: Path, port: int, thresholds: Mapping[str, tuple[str, str]]) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes the process at this port; `thresholds` replaces one text in an alert's expression."""
    private = PrivatePrometheus(folder, written(folder, quickened(folder, thresholds), {"all": port}))
    url = private.start()
    try:
        async with asking(url) as prometheus:
            yield prometheus
    finally:
        private.stop()


def quickened(folder: Path, thresholds: Mapping[str, tuple[str, str]]) -> Path:
    """A folder like deploy/prometheus, below the given one, with what makes Prometheus quick."""
    quick = folder / "quick"
    (quick / "rules").mkdir(parents=True)
    config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY}
    (quick / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    (quick / "rules" / RULES.name).write_text(yaml.safe_dump(_quick_rules(thresholds)), "utf-8")
    return quick


def _quick_rules(thresholds: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
            if "absent(" in rule["expr"]:
                # Nothing is there before the first look.
                rule["for"] = ABSENT_FOR
            rule["expr"] = _WINDOW.sub(WINDOW, rule["expr"])
            if rule.get("alert") in thresholds:
                real, small = thresholds[rule["alert"]]
                assert real in rule["expr"]
                rule["expr"] = rule["expr"].replace(real, small)
    return rules


def told_by(tool: Path, *arguments: str | Path) -> str:
    """What promtool or amtool says; it has to be content."""
    command = [str(tool), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TOOL_S_MAX)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
