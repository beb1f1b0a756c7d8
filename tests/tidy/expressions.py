"""What a query of Prometheus' language asks for, as far as it can be held to the table of metrics.

It is read by pattern and not by grammar: which series it names, with which matchers, under which functions, and by
which labels it groups. The real grammar is promtool's and Prometheus' own, which judge the same queries elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from horolog.runtime.metric_table import TABLE, Kind, Metric

BY_NAME = {metric.name: metric for metric in TABLE}
OF_TARGETS = frozenset({"instance", "job", "service"})
"""Labels that Prometheus gives to whatever it scrapes."""

_SUFFIXES = ("_bucket", "_sum", "_count")
_SERIES = re.compile(r"\b(?P<name>scheduler_\w+)(?:\{(?P<matchers>[^}]*)\})?(?P<range>\[[^]]+\])?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\bby\s*\(([^)]*)\)")
_OF_COUNTERS = frozenset({"rate", "increase", "last_over_time"})
_FUNCTION = re.compile(r"(\w+)\s*\(\s*$")


def breaches(expression: str) -> list[str]:
    """What is wrong with a query: unknown names or labels, and functions that do not fit a metric's kind."""
    found = list(_SERIES.finditer(expression))
    if not found:
        return ["it names no metric"]
    told = [breach for series in found for breach in _of_series(expression, series)]
    metrics = [metric for series in found if (metric := metric_of(series["name"])) is not None]
    for grouping in _GROUPING.findall(expression):
        for label in (label.strip() for label in grouping.split(",")):
            if not any(label in _labels(metric) for metric in metrics):
                told.append(f"grouped by {label}, which no metric in it has")
    return told


def metric_of(name: str) -> Metric | None:
    """The metric that a series' name belongs to; None where there is none."""
    if name in BY_NAME:
        return BY_NAME[name]
    return next((BY_NAME[base] for suffix in _SUFFIXES if (base := name.removesuffix(suffix)) in BY_NAME), None)


def names_in(expression: str) -> set[str]:
    """The metrics that a query names."""
    return {metric.name for series in _SERIES.finditer(expression) if (metric := metric_of(series["name"]))}


def _of_series(expression: str, series: re.Match[str]) -> Iterator[str]:
    name = series["name"]
    metric = metric_of(name)
    if metric is None:
        yield f"there is no metric {name}"
        return
    for label in _MATCHER.findall(series["matchers"] or ""):
        if label not in _labels(metric) or (label == "le" and not name.endswith("_bucket")):
            yield f"{name} has no label {label}"
    is_histogram = metric.kind is Kind.HISTOGRAM
    if is_histogram is (name == metric.name):
        yield f"{name} is no series of a {metric.kind}"
    function = _FUNCTION.search(expression[: series.start()])
    asked_by = function[1] if function is not None else "no function"
    is_counted = asked_by in _OF_COUNTERS
    if is_counted is (metric.kind is Kind.GAUGE):
        yield f"{name} is of the kind {metric.kind}, which does not go with {asked_by}"
    if is_counted and not series["range"]:
        yield f"{name} needs a range"


def _labels(metric: Metric) -> frozenset[str]:
    own = frozenset(metric.labels) | OF_TARGETS
    return own | {"le"} if metric.kind is Kind.HISTOGRAM else own
