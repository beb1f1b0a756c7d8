"""The simulation from the command line: one seed with its history, many seeds with their counts, or the mutants.

python -m tests.sim --seed 7           replay one seed; its history when it fails
python -m tests.sim --seeds 500        play many, from --first on
python -m tests.sim --mutants          switch on each known-wrong behaviour, and see it caught
"""

import argparse
import sys
from collections.abc import Sequence

from tests.sim.campaign import Result, judged, results_of, total
from tests.sim.mutants import MUTANTS
from tests.sim.mutants.hunt import tell_hunts
from tests.sim.plan import Plan, draw_plan
from tests.sim.world import World, played

LINE_COUNT_MAX = 400


def replay(seed: int, whole: bool) -> int:
    """Play one seed again; tell its history when it fails or is asked for."""
    plan = draw_plan(seed)
    world = played(plan)
    result = judged(world)
    _describe(plan)
    if whole or not result.is_good:
        _tell_history(world, None if whole else LINE_COUNT_MAX)
    print(f"seed {seed}: {_counted(result.counts)}")
    print(f"seed {seed}: fingerprint {result.fingerprint}")
    _tell_breaches(result)
    print(f"seed {seed}: {'good' if result.is_good else f'{len(result.breaches)} breaches'}")
    return 0 if result.is_good else 1


def play_many(first: int, count: int) -> int:
    """Play many seeds; count what they met, and name those that failed."""
    results = []
    for result in results_of(range(first, first + count)):
        results.append(result)
        if not result.is_good:
            _tell_breaches(result)
            print(f"seed {result.seed} failed; replay it with: make sim SEED={result.seed}", flush=True)
    failed = [result.seed for result in results if not result.is_good]
    print(f"{count} seeds: {_counted(total(results))}")
    print(f"{count} seeds: {len(failed)} failed{': ' + ' '.join(map(str, failed)) if failed else ''}")
    return 1 if failed else 0


def list_mutants() -> int:
    """Say what each mutant does wrong, and which checks have to find it."""
    for mutant in MUTANTS.values():
        print(f"{mutant.name}: {mutant.sentence}")
        print(f"    {', '.join(sorted(mutant.check_names))}")
    return 0


def _describe(plan: Plan) -> None:
    counts = ", ".join(f"{count} {kind}" for kind, count in plan.counts.items())
    print(f"seed {plan.seed}: from {plan.start}, {plan.partition_count} partitions, {counts}")
    print(f"seed {plan.seed}: faults {', '.join(sorted(plan.faults)) or 'none'} at a rate of {plan.rate}")
    for job in plan.jobs:
        texts = " | ".join(f"{schedule.text} ({schedule.zone})" for schedule in job.schedules)
        print(f"seed {plan.seed}: job {job.job_id} {texts}")


def _tell_history(world: World, count_max: int | None) -> None:
    lines = world.trace.lines if count_max is None else world.trace.lines[-count_max:]
    if len(lines) < len(world.trace.lines):
        print(f"... the last {len(lines)} of {len(world.trace.lines)} lines; --history tells all")
    for at_s, who, what in lines:
        print(f"{at_s:10.4f}  {who:<14} {what}")


def _tell_breaches(result: Result) -> None:
    for breach in result.breaches[:20]:
        print(f"seed {result.seed}: {breach.check}: {breach.what}")


def _counted(counts: "dict[str, int]") -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit code says whether all went well."""
    parser = argparse.ArgumentParser(prog="make sim", description="Play the whole system in virtual time.")
    parser.add_argument("--seed", type=int, help="replay this seed")
    parser.add_argument("--history", action="store_true", help="tell the whole history of the seed")
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to play")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument(
        "--mutants", action="store_true", help="switch on each known-wrong behaviour until it is caught"
    )
    parser.add_argument("--only", choices=MUTANTS, action="append", help="this mutant; may be given several times")
    parser.add_argument("--seeds-max", type=int, default=60, help="how many seeds a mutant may survive")
    parser.add_argument("--list", action="store_true", help="say what each mutant does wrong, and what has to find it")
    options = parser.parse_args(arguments)
    if options.list:
        return list_mutants()
    if options.mutants:
        return tell_hunts(options.only or list(MUTANTS), range(options.first, options.first + options.seeds_max))
    if options.seed is not None:
        return replay(options.seed, options.history)
    return play_many(options.first, options.seeds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
