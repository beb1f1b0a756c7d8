"""What every test session has: real servers on demand, the gates, and property tests that never race a clock."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = [
    "tests.plugins.kafka",
    "tests.plugins.control_groups",
    "tests.plugins.previous_release",
    "tests.plugins.root",
    "tests.plugins.servers",
]

# A slow machine is no failure, and a failing example must be repeatable from the log alone.
settings.register_profile("horolog", deadline=None, print_blob=True)
settings.load_profile("horolog")
