"""`python -m tests.campaign`: real processes, ill-treated in rounds; ends with 0 when every round has passed.

Each round has a kind and a seed, which decides victims and durations. Rounds that need three Kafka nodes have a
deployment of their own. What a round left is written as a line of JSON at once, so that nothing is lost with the run.
When all rounds of a deployment are over, the product's own proofs are asked for, over all of their time.
"""

import argparse
import json
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from horolog.adapters.system import SystemClock
from tests.campaign.afterwards import proofs
from tests.campaign.kernel import enter_own_mounts
from tests.campaign.kinds import KINDS, USUAL
from tests.campaign.proof import Kind
from tests.campaign.rounds import Pace, Result, play
from tests.campaign.system import System, deployed
from tests.campaign.table import table

SEEDS = (11, 23, 47, 59, 83, 97)
JOB_COUNT = 40
MINUTES_MAX = 85.0
SHARE_OF_THREE_NODES = 0.3


def main() -> int:
    """Run the rounds that were asked for; the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    has_mounts = enter_own_mounts()
    began, seconds = time.monotonic(), options.minutes * 60
    deadlines = {3: began + seconds * SHARE_OF_THREE_NODES, 1: began + seconds}
    results: list[Result] = []
    # What a slow machine has no time for is the last seed of either deployment.
    for nodes, deadline in deadlines.items():
        kinds = [KINDS[name] for name in options.kinds if KINDS[name].nodes == nodes]
        rounds = [(kind, seed) for seed in options.seeds or SEEDS[: options.times] for kind in kinds]
        if rounds:
            results += _deployment(nodes, has_mounts, rounds, deadline, options)
    _print(table(results))
    return int(any(result.verdict != "passed" for result in results))


def _deployment(
    nodes: int, has_mounts: bool, rounds: Sequence[tuple[Kind, int]], deadline: float, options: argparse.Namespace
) -> list[Result]:
    """Go through these rounds on a deployment of their own; those that no time is left for have a result, too."""
    results: list[Result] = []
    proved: list[Result] = []
    if time.monotonic() < deadline:
        with deployed(nodes, has_mounts) as system:
            begin = SystemClock().now()
            for result in _played(system, rounds, options.jobs, deadline):
                results.append(result)
                _tell(result, options.json)
            for result in proofs(system, begin):
                proved.append(result)
                _tell(result, options.json)
            if options.keep is not None:
                _keep_logs(system, options.keep)
    unplayed = [Result(kind.name, seed, "no time left", "") for kind, seed in rounds[len(results) :]]
    return results + unplayed + proved


def _played(system: System, rounds: Sequence[tuple[Kind, int]], job_count: int, deadline: float) -> Iterator[Result]:
    pace = Pace(job_count)
    for kind, seed in rounds:
        if time.monotonic() >= deadline:
            return
        try:
            yield play(system, kind, seed, pace)
        except Exception as error:  # noqa: BLE001 - told in the table; one round in ruins must not hide the others
            trace = traceback.format_exc().splitlines()[-12:]
            yield Result(kind.name, seed, "inconclusive", f"{type(error).__name__}: {error}", problems=trace)


def _tell(result: Result, path: Path | None) -> None:
    line = json.dumps(result.to_dict())
    _print(f"{result.kind} {result.seed}: {result.verdict} after {result.took_s:.0f} s ({result.proof})")
    for problem in result.problems:
        _print(f"    {problem}")
    if path is not None:
        with path.open("a") as file:
            file.write(line + "\n")


def _keep_logs(system: System, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in (system.folder / "logs").glob("*.log"):
        (folder / f"{system.nodes}-{log.name}").write_bytes(log.read_bytes())


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--kinds", type=_names, default=USUAL, help=f"of {','.join(KINDS)}")
    parser.add_argument("--times", type=int, default=3, choices=range(1, len(SEEDS) + 1), help="rounds of each kind")
    parser.add_argument("--seeds", type=_seeds, metavar="N,…", help="these rounds of each kind, by their seeds")
    parser.add_argument("--jobs", type=int, default=JOB_COUNT, help="jobs that fire each second, at most")
    parser.add_argument("--minutes", type=float, default=MINUTES_MAX, help="after these no round begins any more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append each round as a line of JSON")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what the services logged")
    return parser.parse_args()


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in KINDS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(KINDS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
