"""Measurements as a table for people and as JSON lines for machines."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.deployments import SERVERS

Number = float | int


@dataclass(frozen=True, slots=True)
class Measurement:
    """One load on one deployment. `figures` are told in one line; `components` and `memory_mb` in a line each."""

    deployment: str
    load: str
    at: str
    figures: Mapping[str, Number | str]
    components: Mapping[str, Number] = field(default_factory=dict)
    unit: str = "ms CPU each"

    def lines(self) -> Iterator[str]:
        """The measurement as people read it."""
        told = "  ".join(f"{name} {_told(value)}" for name, value in self.figures.items())
        yield f"{self.deployment:<9} {self.load:<11} {told}"
        if self.components:
            ours = sum(value for name, value in self.components.items() if name not in SERVERS)
            parts = "  ".join(f"{name} {_told(value)}" for name, value in sorted(self.components.items()))
            total = f"{_told(sum(self.components.values()))} {self.unit} ({_told(ours)} without servers)"
            yield f"{'':21} {total}: {parts}"


def write(path: Path, measurement: Measurement) -> None:
    """Append the measurement as a line of JSON, with the load of the machine."""
    line = {**asdict(measurement), "load1": os.getloadavg()[0], "cores": os.cpu_count()}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def percentiles(values: Sequence[float]) -> tuple[float, float, float, float]:
    """The 50th, 95th and 99th percentile, and the maximum; zeros for nothing."""
    ranked = sorted(values)
    if not ranked:
        return (0.0, 0.0, 0.0, 0.0)
    p50, p95, p99 = (ranked[min(len(ranked) - 1, int(share * len(ranked)))] for share in (0.5, 0.95, 0.99))
    return (p50, p95, p99, ranked[-1])


def _told(value: Number | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
