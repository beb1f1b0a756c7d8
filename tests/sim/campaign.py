"""Many runs: on as many processors as there are, with what they met counted, and every failure with its seed."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from threading import Thread

from tests.sim.checks import Breach, judge
from tests.sim.checks.running import zombie_overlaps
from tests.sim.history import History
from tests.sim.plan import draw_plan
from tests.sim.world import World, played

CHUNK_COUNT = 4


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one seed."""

    seed: int
    fingerprint: str
    breaches: tuple[Breach, ...]
    counts: Counter[str]

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        return not self.breaches


def result_of(seed: int) -> Result:
    """Play one seed and judge it."""
    return judged(played(draw_plan(seed)))


def judged(world: World) -> Result:
    """What came of a world that has been played."""
    history = History(world)
    counts = world.trace.counts + Counter(history.count())
    counts["zombie overlaps"] = zombie_overlaps(history)
    counts["virtual seconds"] = int(history.end_s)
    return Result(world.plan.seed, world.fingerprint(), tuple(judge(history)), counts)


def results_of(seeds: Sequence[int], play: Callable[[int], Result] = result_of) -> Iterator[Result]:
    """Play many seeds, in their order, on all processors."""
    count = min(os.cpu_count() or 1, len(seeds))
    if count < 2:
        yield from map(play, seeds)
        return
    with pool_of(count) as pool:
        yield from pool.map(play, seeds, chunksize=CHUNK_COUNT)


def pool_of(count: int) -> ProcessPoolExecutor:
    """Processes to play in, which end with this one, whatever ends it."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def total(results: Iterable[Result]) -> Counter[str]:
    """The counts of all runs together."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    return counts


def first_breach(
    seeds: Iterable[int], play: Callable[[int], Result], alarms_of: Callable[[int], frozenset[str]]
) -> Result | None:
    """The first of the seeds that fails a check which the product itself passes there, with these breaches alone.

    `alarms_of` names the checks that the product fails on a seed: none, as long as all is well.
    """
    for seed in seeds:
        result = play(seed)
        # Asked once: the product is played for it.
        alarms = alarms_of(seed) if result.breaches else frozenset()
        breaches = tuple(breach for breach in result.breaches if breach.check not in alarms)
        if breaches:
            return replace(result, breaches=breaches)
    return None
