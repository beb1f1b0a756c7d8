"""Prometheus as deploy/prometheus has it, only quicker: it looks each second, and alerts need not last.

The rules are the real ones, but for their `for` and the windows of their rates. A test that provokes a cause in small
says with which threshold that has to show.
"""

import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local.prometheus import PrivatePrometheus
from tests.tidy.tree import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "rules" / "horolog.yml"
WINDOW = "20s"
EVERY = "1s"
_WINDOW = re.compile(r"(?<=\[)(?:5m|10m|30m|1h|6h)(?=\])|(?<=offset )10m")


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    http: httpx.AsyncClient

    async def ask(self, expression: str) -> list[float]:
        """The values of an expression at present, as far as they are numbers."""
        answer = await self.http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        values = [float(sample["value"][1]) for sample in answer.json()["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    async def fired(self) -> set[str]:
        """The names of all alerts that have fired since it began."""
        answer = await self.http.get(
            "/api/v1/query", params={"query": 'max by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))'}
        )
        return {sample["metric"]["alertname"] for sample in answer.json()["data"]["result"]}


@asynccontextmanager
async def scraping(folder: Path, port: int, thresholds: Mapping[str, tuple[str, str]]) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes the process at this port; `thresholds` replaces one text in an alert's expression."""
    private = PrivatePrometheus(folder, _written(folder, port, thresholds))
    url = private.start()
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30.0) as http:
            yield Prometheus(http)
    finally:
        private.stop()


def _written(folder: Path, port: int, thresholds: Mapping[str, tuple[str, str]]) -> Path:
    config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY}
    named = {"targets": [f"127.0.0.1:{port}"], "labels": {"service": "all"}}
    config["scrape_configs"] = [{"job_name": "horolog", "static_configs": [named]}]
    config["rule_files"] = ["rules.yml"]
    (folder / "rules.yml").write_text(yaml.safe_dump(_quickened(thresholds)), "utf-8")
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path


def _quickened(thresholds: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
            rule["expr"] = _WINDOW.sub(WINDOW, rule["expr"])
            if rule.get("alert") in thresholds:
                real, small = thresholds[rule["alert"]]
                assert real in rule["expr"]
                rule["expr"] = rule["expr"].replace(real, small)
    return rules
