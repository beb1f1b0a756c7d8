"""The gate in front of the tests that make control groups: those marked ``control_groups``.

The right to make them is the machine's to give and no server that could be started, so CI goes on without, and says so.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from horolog.adapters.groups.hierarchies import RESOURCES, found_here, resources_of
from tests.plugins.gate import Gate

TRIAL_S_MAX = 30
TRIAL = """
from horolog.adapters.groups.groups import Bounds, Groups
from horolog.adapters.groups.hierarchies import found_here
groups = Groups(found_here(), Bounds(64, 8))
groups.open()
groups.clear()
"""
"""Made by a process of its own, which with version 2 has to move."""


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate up."""
    gate = Gate("control groups", _needs, why_no_groups, _bounded, is_required=False)
    config.pluginmanager.register(gate, "control-groups-gate")


def why_no_groups() -> str | None:
    """Why none can be made here that bound memory, processes and processor time, or None."""
    missing = set(RESOURCES.values()) - set(resources_of(found_here()))
    if missing:
        return f"this machine offers none that bound {', '.join(sorted(missing))}"
    if not any(line.split()[2] == "cgroup2" for line in Path("/proc/self/mounts").read_text().splitlines()):
        return "this machine has not mounted those of version 2"
    trial = subprocess.run(
        [sys.executable, "-c", TRIAL], check=False, capture_output=True, text=True, timeout=TRIAL_S_MAX
    )
    return None if trial.returncode == 0 else trial.stderr.strip().splitlines()[-1]


def _needs(item: pytest.Item) -> bool:
    return item.get_closest_marker("control_groups") is not None


def _bounded() -> str:
    return ", ".join(f"version {one.version} with {' '.join(one.controllers)}" for one in found_here())
