"""What a panel of the dashboard is made of."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a panel shows its figures, in Grafana's words."""

    STAT = "stat"
    GRAPH = "timeseries"
    HEATMAP = "heatmap"
    TIMELINE = "state-timeline"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression, and what its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `unit` is Grafana's, `width` out of 24. Its `description` says how to read it."""

    title: str
    kind: Kind
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]
