"""The repository keeps the tidy rules."""

from __future__ import annotations

import pytest

from tests.tidy.rules import RULES, Rule, packages_with_modules
from tests.tidy.shape_rules import thin_package_doc
from tests.tidy.text_rules import shrugging_name
from tests.tidy.tree import ROOT, committable_files, python_files, read_text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    texts = ((path, read_text(path)) for path in committable_files() if rule.holds_for(path))
    breaches = [f"{path}:{breach}" for path, text in texts if text is not None for breach in rule.breaches(text)]
    assert not breaches, f"{len(breaches)} breaches of {rule.name}:\n" + "\n".join(breaches)


def test_every_package_with_modules_says_what_it_is_for() -> None:
    packages = packages_with_modules(python_files())
    breaches = [f"{path}:{breach}" for path in packages for breach in thin_package_doc(read_text(path) or "")]
    assert not breaches, "\n".join(breaches)


def test_every_name_says_what_is_inside() -> None:
    breaches = [breach for path in committable_files() for breach in shrugging_name(path)]
    assert not breaches, "\n".join(breaches)


def test_every_folder_of_tests_is_a_package() -> None:
    # Otherwise two files of one name are one module to pytest, which runs the tests of the first twice.
    folders = {path.parent for path in python_files() if path.parts[0] == "tests"}
    assert sorted(folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()) == []


def test_the_rules_see_the_product() -> None:
    folders = {path.parts[0] for path in python_files()}
    assert folders >= {"horolog", "services", "projections", "schemas", "deploy", "tests"}
