"""The one gate for tests that need something of the machine that not every machine has.

Where it cannot be had, those tests are deselected and the summary says how many and why; where it is required the
session fails instead. Where there is one, the summary tells of it and how many tests ran on it. Nothing is left out
silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest


class Gate:
    """Lets tests that need something through, or leaves them out loudly; counts those that ran.

    `why_not` says why it cannot be had and is asked only when a test needs it; `describe` names what was had.
    """

    def __init__(
        self,
        name: str,
        needs: Callable[[pytest.Item], bool],
        why_not: Callable[[], str | None],
        describe: Callable[[], str],
        is_required: bool,
    ) -> None:
        self._name = name
        self._needs = needs
        self._why_not = why_not
        self._describe = describe
        self._is_required = is_required
        self._needing: set[str] = set()
        self._ran_count = 0
        self._left_out_reason: str | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect what needs it when there is none; runs after -m and -k made their choice."""
        needing = [item for item in items if self._needs(item)]
        self._needing = {item.nodeid for item in needing}
        if not needing:
            return
        self._left_out_reason = self._why_not()
        if self._left_out_reason is None:
            return
        if self._is_required:
            pytest.exit(f"CI needs {self._name} for {len(needing)} tests: {self._left_out_reason}", returncode=1)
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item.nodeid not in self._needing]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once its body has run, however it ended."""
        if report.when == "call" and report.nodeid in self._needing:
            self._ran_count += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in one line what this session had; say nothing when no test needed it."""
        if self._left_out_reason is not None:
            left_out = f"{len(self._needing)} tests did not run: {self._left_out_reason}"
            terminalreporter.write_line(f"{self._name.upper()} NOT TESTED: {left_out}", red=True, bold=True)
        elif self._needing:
            terminalreporter.write_line(f"{self._name}: {self._describe()}, {self._ran_count} tests ran on it")


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether this is an automated run, by the variable that CI systems set."""
    return environ.get("CI", "").lower() not in {"", "0", "false"}
