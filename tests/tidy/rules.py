"""Every tidy rule with the files it holds for. There is no list of exceptions.

A rule is a function from a file's text to its breaches; ``holds_for`` says, from the path alone, where it
applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.tidy import conduct_rules, shape_rules, text_rules
from tests.tidy.tree import PRODUCT

SYSTEM_ADAPTER = Path("horolog/adapters/system.py")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule over one file's text."""

    breaches: Callable[[str], list[str]]
    holds_for: Callable[[Path], bool]

    @property
    def name(self) -> str:
        """The name of the function that finds the breaches."""
        return self.breaches.__name__


def is_python(path: Path) -> bool:
    """Any Python file."""
    return path.suffix == ".py"


def is_product(path: Path) -> bool:
    """Python that runs in production, but for the one adapter to the system's clock and randomness."""
    return is_python(path) and path.parts[0] in PRODUCT and path != SYSTEM_ADAPTER


def is_domain(path: Path) -> bool:
    """The core's decisions."""
    return is_python(path) and path.parts[:2] == ("horolog", "domain")


def is_pure(path: Path) -> bool:
    """Code that computes and never waits: decisions, contracts and the folds of the read side."""
    is_fold = path.parts[0] == "projections" and "fold" in path.stem
    return is_domain(path) or (is_python(path) and (path.parts[0] == "schemas" or is_fold))


def is_test(path: Path) -> bool:
    """Tests and what they are made with."""
    return is_python(path) and path.parts[0] == "tests"


def is_file(path: Path) -> bool:
    """Any file at all; those that are not text are left out by the reader."""
    return True


RULES = (
    Rule(shape_rules.long_file, is_python),
    Rule(shape_rules.long_functions, is_python),
    Rule(shape_rules.deep_nesting, is_python),
    Rule(shape_rules.missing_module_doc, is_python),
    Rule(shape_rules.long_tests, is_test),
    Rule(conduct_rules.hidden_inputs, is_product),
    Rule(conduct_rules.led_astray, is_product),
    Rule(conduct_rules.awaiting, is_pure),
    Rule(conduct_rules.foreign_to_domain, is_domain),
    Rule(conduct_rules.timed_sleep, is_test),
    Rule(conduct_rules.skipped_test, is_test),
    Rule(conduct_rules.mocking, is_test),
    Rule(conduct_rules.unclear_test, is_test),
    Rule(text_rules.machine_traces, is_file),
    Rule(text_rules.left_overs, is_file),
)


def packages_with_modules(paths: Iterable[Path]) -> list[Path]:
    """The ``__init__.py`` of every package that has a module or package besides it; test folders say it all."""
    files = {path for path in paths if not is_test(path)}
    packages = {path.parent for path in files if path.name == "__init__.py"}
    lived_in = {path.parent for path in files if path.name not in {"__init__.py", "__main__.py"}}
    lived_in |= {package.parent for package in packages}
    return sorted(package / "__init__.py" for package in packages & lived_in)
