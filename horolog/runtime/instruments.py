"""What metrics are kept in: numbers and distributions by their labels, and the families that Prometheus is shown.

Kept by ourselves rather than in `prometheus_client`'s own counters, which lock and look up labels at every call: a
projector observes several figures for each execution. Guarantee: written by one thread, they may be read by another
at any time; what is read holds every observation made before, whole or not at all in its count and buckets.
"""

from bisect import bisect_left
from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from horolog.runtime.metric_table import Kind
from horolog.runtime.metric_table import Metric as Described

Labels = tuple[str, ...]


class Numbers:
    """A counter or a gauge: one number for each combination of labels."""

    def __init__(self, described: Described) -> None:
        self._described = described
        # A counter without labels is there from the beginning, so that its first rise shows.
        is_plain_counter = described.kind is Kind.COUNTER and not described.labels
        self._values: dict[Labels, float] = {(): 0.0} if is_plain_counter else {}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Raise one number."""
        self._values[labels] = self._values.get(labels, 0.0) + amount

    def put(self, values: Mapping[Labels, float]) -> None:
        """Let these be all the numbers there are."""
        self._values = dict(values)

    def set(self, *labels: str, value: float) -> None:
        """Set one number."""
        self._values[labels] = value

    def family(self) -> Metric:
        """As Prometheus is shown it."""
        made: CounterMetricFamily | GaugeMetricFamily
        kind = CounterMetricFamily if self._described.kind is Kind.COUNTER else GaugeMetricFamily
        made = kind(self._described.name, self._described.help, labels=self._described.labels)
        for labels, value in self._values.copy().items():
            made.add_metric(labels, value)
        return made


class Distributions:
    """A histogram for each combination of labels."""

    def __init__(self, described: Described) -> None:
        self._described = described
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one value; a bucket holds what is at most its bound."""
        bounds = self._described.bounds
        counts = self._counts.get(labels)
        if counts is None:
            counts = [0] * (len(bounds) + 1)
            self._sums[labels] = 0.0
            self._counts[labels] = counts
        counts[bisect_left(bounds, value)] += 1
        self._sums[labels] += value

    def family(self) -> Metric:
        """As Prometheus is shown it."""
        made = HistogramMetricFamily(self._described.name, self._described.help, labels=self._described.labels)
        names = [*map(floatToGoString, self._described.bounds), "+Inf"]
        for labels, counts in self._counts.copy().items():
            buckets, total = [], 0
            for name, count in zip(names, tuple(counts), strict=True):
                total += count
                buckets.append((name, float(total)))
            made.add_metric(labels, buckets, self._sums[labels])
        return made
