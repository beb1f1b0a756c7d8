"""The dashboard as Grafana's JSON, made from `panels`.

The same list makes the same text, so that a difference in the file is a difference in what is shown.
"""

import json
from pathlib import Path
from typing import Any

from deploy.grafana.panel import Kind, Panel, Query
from deploy.grafana.panels import ROWS

PATH = Path(__file__).with_name("dashboards") / "horolog.json"
TITLE = "任务调度服务监控"
DATASOURCE = {"type": "prometheus", "uid": "horolog-prometheus"}
WIDTH = 24
HEIGHT = 8
REFRESH = "30s"


def text() -> str:
    """The file's text."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


def dashboard() -> dict[str, Any]:
    """The whole dashboard."""
    return {
        "uid": "horolog",
        "title": TITLE,
        "description": "Scheduler monitoring. What each panel says: docs/monitoring.md.",
        "tags": ["horolog"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": REFRESH,
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "graphTooltip": 1,
        "templating": {"list": [_tenants()]},
        "panels": _panels(),
    }


def _tenants() -> dict[str, Any]:
    """The choice of tenants at the top."""
    query = "label_values(scheduler_job_executions_total, tenant_id)"
    return {
        "name": "tenant",
        "label": "Tenant",
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "tenant"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "sort": 1,
    }


def _panels() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    y = 0
    for row in ROWS:
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        made.append({"id": len(made) + 1, "type": "row", "title": row.title, "collapsed": False, "gridPos": place})
        x, y = 0, y + 1
        for panel in row.panels:
            made.append(_panel(len(made) + 1, panel, {"x": x, "y": y, "w": panel.width, "h": HEIGHT}))
            x += panel.width
        assert x == WIDTH, f"the panels of {row.title!r} take {x} of {WIDTH}"
        y += HEIGHT
    return made


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [_target(panel.kind, index, query) for index, query in enumerate(panel.queries)]
    return {
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, **_defaults(panel.kind)}, "overrides": []},
        "options": _options(panel),
        "targets": targets,
    }


def _target(kind: Kind, index: int, query: Query) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + index),
        "datasource": DATASOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "format": "heatmap" if kind is Kind.HEATMAP else "time_series",
        "instant": kind is Kind.STAT,
        "range": kind is not Kind.STAT,
    }


def _defaults(kind: Kind) -> dict[str, Any]:
    if kind is Kind.GRAPH:
        return {"min": 0, "custom": {"fillOpacity": 10, "showPoints": "never", "spanNulls": 60_000}}
    return {}


def _options(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case Kind.STAT:
            return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value"}
        case Kind.HEATMAP:
            return {
                "calculate": False,
                "yAxis": {"unit": panel.unit, "axisPlacement": "left"},
                "cellGap": 1,
                "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
                "tooltip": {"mode": "single", "yHistogram": True},
            }
        case Kind.TIMELINE:
            return {"mergeValues": True, "showValue": "auto", "rowHeight": 0.9, "legend": {"showLegend": False}}
        case Kind.GRAPH:
            return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
