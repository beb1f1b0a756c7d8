"""Plays seeds until a mutant is caught, and tells which check caught it and after how many seeds.

A breach counts only when the check is one of those that have to find the mutant, and when the product itself passes it
on the same seed: what fails anyway, or by accident, proves nothing.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from time import monotonic

from tests.sim.campaign import Result, first_breach, pool_of
from tests.sim.checks import Breach
from tests.sim.mutants import MUTANTS

_LINE = "{:<30} {:<42} {:>6} {:>6} {:>8}"


@dataclass(frozen=True, slots=True)
class Hunt:
    """What came of hunting one mutant; without `breaches` it has survived.

    `alarms` are those of the product itself, `errors` say on which seeds a check did not come to an end.
    """

    name: str
    seed_count: int
    seconds: float
    seed: int | None = None
    breaches: tuple[Breach, ...] = ()
    alarms: frozenset[str] = frozenset()
    errors: tuple[str, ...] = ()

    @property
    def check_names(self) -> Sequence[str]:
        """The checks that caught it."""
        return list(dict.fromkeys(breach.check for breach in self.breaches))


def hunt(name: str, seeds: Sequence[int]) -> Hunt:
    """Play the seeds, in their order, until the mutant of this name is caught."""
    mutant, begun = MUTANTS[name], monotonic()
    errors: list[str] = []

    def play(seed: int) -> Result:
        try:
            result = mutant.play(seed)
        except Exception as error:  # noqa: BLE001 - told below; one check that fails must not end the hunt for the rest
            errors.append(f"seed {seed} of {name} could not be judged: {error!r}")
            return Result(seed, "", (), Counter())
        return replace(result, breaches=tuple(b for b in result.breaches if b.check in mutant.check_names))

    caught = first_breach(seeds, play, mutant.alarms_of)
    seconds = monotonic() - begun
    if caught is None:
        return Hunt(name, len(seeds), seconds, errors=tuple(errors))
    seed_count = seeds.index(caught.seed) + 1
    return Hunt(name, seed_count, seconds, caught.seed, caught.breaches, mutant.alarms_of(caught.seed), tuple(errors))


def hunts(names: Sequence[str], seeds: Sequence[int]) -> Iterator[Hunt]:
    """Hunt many mutants on all processors; who is caught first is told of first."""
    count = min(os.cpu_count() or 1, len(names))
    if count < 2:
        yield from (hunt(name, seeds) for name in names)
        return
    with pool_of(count) as pool:
        try:
            for done in as_completed([pool.submit(hunt, name, seeds) for name in names]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def tell_hunts(names: Sequence[str], seeds: Sequence[int]) -> int:
    """Hunt the mutants and print a table; the exit code says whether all went well.

    It has when every mutant is caught, the product itself is good on the same seeds, and every seed could be judged.
    """
    print(_LINE.format("mutant", "caught by", "seed", "seeds", "seconds"))
    done = []
    for found in hunts(names, seeds):
        done.append(found)
        _tell(found)
    survivors = [found.name for found in done if not found.breaches]
    alarms = sorted({(found.seed, check) for found in done for check in found.alarms if found.seed is not None})
    errors = [error for found in done for error in found.errors]
    for error in errors:
        print(error)
    for seed, check in alarms:
        print(f"seed {seed}: {check} fails without any mutant, too")
    print(f"{len(done)} mutants: {len(survivors)} survived{': ' + ' '.join(survivors) if survivors else ''}")
    return 1 if survivors or alarms or errors else 0


def _tell(found: Hunt) -> None:
    first, *others = found.check_names or ["NOTHING"]
    seed = "" if found.seed is None else str(found.seed)
    print(_LINE.format(found.name, first, seed, found.seed_count, f"{found.seconds:.1f}"), flush=True)
    for other in others:
        print(_LINE.format("", other, "", "", "").rstrip(), flush=True)
