"""The tables of the page on reliability hold what the code has: no promise, check, mutant or kind of fault is left out.

That the tests and files which they name exist is seen to by `test_reliability_page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from tests.campaign import checkers
from tests.campaign.kinds import KINDS
from tests.sim.checks import CHECKS
from tests.sim.mutants import MUTANTS
from tests.sim.plan import FAULTS
from tests.tidy.tree import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")

PROMISES = [*(f"S{number}" for number in range(1, 25)), *(f"L{number}" for number in range(1, 7))]
NUMBERED = [f"N{number}" for number in range(1, 21)]

_NAME = re.compile(r"`([\w-]+)`")
_TEST = re.compile(r"`(test_\w+)`")


def _section(title: str) -> str:
    """What stands under a heading of the second rank."""
    _, found, rest = PAGE.partition(f"\n## {title}\n")
    assert found, title
    return rest.partition("\n## ")[0]


def _rows(text: str, first: str) -> Iterator[Sequence[str]]:
    """The rows of every table whose heading begins with this cell."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            next(lines)
            yield from (_cells(row) for row in takewhile(lambda row: row.startswith("|"), lines))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def _caught() -> dict[str, set[str]]:
    """What the table says of each mutant: which checks caught it."""
    rows = _rows(_section("Planted bugs"), "mutant")
    return {row[0].partition(" ")[0]: set(_NAME.findall(row[1])) for row in rows}


def test_every_mutant_has_a_row_in_the_table_and_is_caught_by_checks_that_have_to_find_it() -> None:
    caught = _caught()
    assert caught.keys() == MUTANTS.keys()
    assert [name for name, checks in caught.items() if not checks or checks - MUTANTS[name].check_names] == []


def test_every_check_of_the_simulation_has_a_mutant_that_names_it_and_has_caught_one() -> None:
    named = {name for mutant in MUTANTS.values() for name in mutant.check_names}
    assert sorted(CHECKS.keys() - named) == []
    assert sorted(CHECKS.keys() - set().union(*_caught().values())) == []


def test_every_promise_has_its_row_and_the_checks_that_it_names_are_there() -> None:
    rows = list(_rows(_section("What is promised, and what looks at it"), "promise"))
    assert [row[0].partition(" ")[0] for row in rows] == PROMISES
    simulated = {name for row in rows for name in _NAME.findall(row[1])}
    assert simulated == CHECKS.keys()
    on_servers = {name for row in rows for name in _NAME.findall(row[2])}
    assert on_servers - KINDS.keys() - vars(checkers).keys() == set()


def test_every_fault_has_its_row_with_the_kinds_that_inject_it_and_each_kind_is_named() -> None:
    rows = list(_rows(_section("Each kind of fault, and where it is injected"), "fault"))
    assert [row[0].partition(" ")[0] for row in rows] == NUMBERED
    assert {name for row in rows for name in _NAME.findall(row[1])} == set(FAULTS)
    assert {name for row in rows for name in _NAME.findall(row[2])} == KINDS.keys()


def test_a_fault_that_is_injected_nowhere_has_tests_of_its_own() -> None:
    rows = _rows(_section("Each kind of fault, and where it is injected"), "fault")
    assert [row[0] for row in rows if not _NAME.findall(row[1] + row[2]) and not _TEST.findall(row[3])] == []


def test_everything_that_users_of_others_suffer_says_what_it_is_here_and_names_a_test() -> None:
    rows = list(_rows(_section("What users of other schedulers suffer, and where it is here"), "where"))
    assert len(rows) > 80
    assert [row[0] for row in rows if len(row) != 4 or not row[2] or not _TEST.findall(row[3])] == []


def test_every_kind_of_fault_on_real_servers_has_a_row_of_results() -> None:
    rows = _rows(_section("Faults on real servers"), "fault")
    assert {row[0] for row in rows} - {"all"} == KINDS.keys()
