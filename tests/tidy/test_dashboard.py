"""The dashboard is what its list says, asks for nothing that is not measured, and leaves nothing measured out."""

from __future__ import annotations

import re
from itertools import chain

import pytest
import yaml

from deploy.grafana.dashboard import DATASOURCE, PATH, TITLE, dashboard, text
from deploy.grafana.panel import Kind, Panel
from deploy.grafana.panels import ASKED_FOR, ROWS
from horolog.runtime.metric_table import TABLE
from tests.tidy.expressions import BY_NAME, breaches, metric_of, names_in
from tests.tidy.tree import ROOT

PANELS = [panel for row in ROWS for panel in row.panels]
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
_SHARE = re.compile(r"\)\s*/\s*sum\(")


def _unit_of(expression: str) -> str | None:
    """The unit that follows from a query, where one does."""
    if _SHARE.search(expression) or "scheduler_error_rate" in expression:
        return "percentunit"
    if re.search(r"_seconds(?!_count)", expression):
        return "s"
    if "_bytes" in expression:
        return "bytes"
    return "percent" if "_percent" in expression else None


def test_file_is_what_the_list_says() -> None:
    assert PATH.read_text(encoding="utf-8") == text(), "run: python -m deploy.grafana"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_panel_asks_for_what_is_measured(panel: Panel) -> None:
    assert panel.description.endswith(".")
    for query in panel.queries:
        assert breaches(query.expression) == []
        expected = _unit_of(query.expression)
        assert expected in (None, panel.unit)
        assert expected is not None or panel.unit not in ("s", "bytes", "percent", "percentunit")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_heat_maps_are_drawn_of_buckets_and_nothing_else_is(panel: Panel) -> None:
    for query in panel.queries:
        is_of_buckets = query.expression.startswith("sum by (le)")
        assert is_of_buckets is (panel.kind is Kind.HEATMAP)
        assert query.legend == "{{le}}" or not is_of_buckets


def test_quantiles_are_taken_over_buckets() -> None:
    expressions = [query.expression for panel in PANELS for query in panel.queries]
    quantiles = [expression for expression in expressions if "histogram_quantile" in expression]
    assert quantiles
    assert [e for e in quantiles if not re.search(r"sum by \(le\) \(rate\(\w+_bucket\b", e)] == []


def test_legends_name_labels_that_the_series_have() -> None:
    for query in chain.from_iterable(panel.queries for panel in PANELS):
        grouped = re.findall(r"by \(([^)]*)\)", query.expression)
        kept = {label.strip() for label in ",".join(grouped).split(",")} if grouped else {"service", "instance"}
        assert set(re.findall(r"{{(\w+)}}", query.legend)) <= kept


def test_everything_measured_is_drawn() -> None:
    drawn = {name for panel in PANELS for query in panel.queries for name in names_in(query.expression)}
    assert {metric.name for metric in TABLE} - drawn == set()


def test_four_panels_of_the_document_come_first_under_its_title() -> None:
    assert TITLE == "任务调度服务监控"
    assert [(panel.title, panel.kind.value) for panel in ASKED_FOR.panels] == [
        ("Executions", "stat"),
        ("Success rate", "stat"),
        ("Queue and active jobs", "timeseries"),
        ("Duration distribution", "heatmap"),
    ]
    assert ROWS[0] is ASKED_FOR


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        columns, rows = (range(place[at], place[at] + place[size]) for at, size in (("x", "w"), ("y", "h")))
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & taken
        taken |= cells
    assert max(x for x, _ in taken) == 23


def test_dashboard_asks_the_data_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text("utf-8"))["datasources"]
    assert (source["uid"], source["type"]) == (DATASOURCE["uid"], DATASOURCE["type"])
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "horolog.yml").read_text("utf-8"))["providers"]
    assert provider["options"]["path"] == f"/etc/grafana/{PATH.parent.name}"


@pytest.mark.parametrize(
    ("expression", "breach"),
    [
        ("vector(1)", "names no metric"),
        ("sum(rate(scheduler_executions[1m]))", "no metric scheduler_executions"),
        ("sum by (tenant) (rate(scheduler_executions_total[1m]))", "grouped by tenant"),
        ('rate(scheduler_executions_total{tenant_id="a"}[1m])', "no label tenant_id"),
        ("scheduler_executions_total", "does not go with no function"),
        ("rate(scheduler_queue_length[1m])", "does not go with rate"),
        ("rate(scheduler_execution_duration_seconds[1m])", "no series of a histogram"),
        ("rate(scheduler_executions_total_bucket[1m])", "no series of a counter"),
        ('rate(scheduler_execution_duration_seconds_count{le="1"}[1m])', "no label le"),
        ("increase(scheduler_executions_total)", "needs a range"),
    ],
)
def test_query_that_does_not_fit_is_found(expression: str, breach: str) -> None:
    assert any(breach in told for told in breaches(expression))


def test_series_of_a_histogram_belong_to_it() -> None:
    name = "scheduler_execution_duration_seconds"
    assert [metric_of(f"{name}{suffix}") for suffix in ("_bucket", "_sum", "_count")] == [BY_NAME[name]] * 3
