"""The checkers catch what is wrong: some mutants within a few seeds here, all of them with `make mutants`."""

from collections import Counter

import pytest

from horolog.domain.cron import parse
from services.ticker import segments
from tests.sim.campaign import Result, first_breach
from tests.sim.checks import CHECKS, Breach
from tests.sim.mutants import MUTANTS
from tests.sim.mutants.hunt import hunt, tell_hunts
from tests.sim.mutants.mutant import Mutant, Swap, swapped

SEEDS = range(6)
QUICKLY_CAUGHT = (
    "no-fencing",
    "unknown-taken-as-failed",
    "ticker-resumes-from-now",
    "commands-not-recognised",
    "one-too-many-at-a-time",
    "positions-without-rows",
)


@pytest.mark.parametrize("name", QUICKLY_CAUGHT)
def test_mutant_is_caught_within_a_few_seeds(name: str) -> None:
    found = hunt(name, SEEDS)
    assert found.breaches, f"{name} survived {found.seed_count} seeds"
    assert set(found.check_names) <= MUTANTS[name].check_names - found.alarms


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutant_says_what_it_does_wrong_and_what_has_to_find_it(mutant: Mutant) -> None:
    assert mutant.sentence[0].isupper()
    assert mutant.sentence.endswith(".")
    assert mutant.check_names
    assert mutant.check_names <= CHECKS.keys()
    assert all(hasattr(swap.module, swap.name) for swap in mutant.swaps)


def test_mutants_that_survive_are_named_and_fail_the_hunt(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell_hunts(["no-fencing"], range(0)) == 1
    assert "1 mutants: 1 survived: no-fencing" in capsys.readouterr().out


def test_first_breach_is_the_first_that_the_product_does_not_show() -> None:
    def play(seed: int) -> Result:
        breaches = (Breach("invented", "something is wrong"),) if seed >= 3 else ()
        return Result(seed, "", breaches, counts=Counter())

    def alarms_of(seed: int) -> frozenset[str]:
        return frozenset({"invented"} if seed == 3 else ())

    found = first_breach(SEEDS, play, alarms_of)
    assert found is not None
    assert (found.seed, found.breaches[0].check) == (4, "invented")
    assert first_breach(range(4), play, alarms_of) is None


def test_nothing_of_a_mutant_is_left_after_its_seed() -> None:
    with swapped((Swap(segments, "parse", None), Swap(segments, "parse", int))):
        assert vars(segments)["parse"] is int
    assert vars(segments)["parse"] is parse
