"""The gate in front of the tests that need to be root: those marked ``root``, about accounts that only root can give.

Who runs them is the machine's to say, so CI goes on without, and says so.
"""

from __future__ import annotations

import os

import pytest

from tests.plugins.gate import Gate


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate up."""
    gate = Gate("accounts", _needs, lambda: why_not(os.geteuid()), lambda: "as root", is_required=False)
    config.pluginmanager.register(gate, "root-gate")


def why_not(user: int) -> str | None:
    """Why no program can be given an account of its own by this user, or None."""
    return None if user == 0 else f"they take root, and this is user {user}"


def _needs(item: pytest.Item) -> bool:
    return item.get_closest_marker("root") is not None
