"""`python -m bench [embedded|kafka|all]`: whole deployments, measured end to end; prints a table.

Each load gets a fresh deployment. Nothing is asserted: the figures are for people, and `--json` keeps them.
"""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench import latency, loads, neighbour, resident
from bench.deployments import Deployment, Shape, deployed
from bench.profiles import lines_of
from bench.report import Measurement, write

JOB_COUNT = 100_000
FIRING = {load.name: load for load in loads.LOADS}
CHOICES = (*FIRING, "neighbour", "api", "memory", "idle")


def main() -> None:
    """Run the loads that were asked for and print what they did."""
    options = _options()
    for kind in ("embedded", "kafka") if options.deployment == "all" else (options.deployment,):
        for name in options.only:
            for _ in range(options.runs):
                _run(Shape(kind, options.each, options.concurrency, logs=options.logs), name, options)


def _run(shape: Shape, name: str, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="horolog-profile-") as folder:
        if options.profile:
            shape = replace(shape, profiles=Path(folder))
        # What a person has running while idle is `horolog dev`, and it is what the mark speaks of.
        if name == "idle" and shape.kind == "embedded":
            shape = replace(shape, kind="dev", profiles=None)
        with deployed(shape) as deployment:
            for measurement in asyncio.run(_measure(deployment, name, options)):
                _tell(measurement, options.json)
        for line in lines_of(Path(folder)):
            _print(line)


async def _measure(deployment: Deployment, name: str, options: argparse.Namespace) -> list[Measurement]:
    if name == "api":
        return [await latency.measure(deployment)]
    if name == "neighbour":
        return [await neighbour.measure(deployment)]
    if name == "memory":
        return await resident.memory(deployment, options.jobs)
    if name == "idle":
        return await resident.idle(deployment)
    return [await loads.fire(deployment, FIRING[name])]


def _tell(measurement: Measurement, path: Path | None) -> None:
    for line in measurement.lines():
        _print(line)
    if path is not None:
        write(path, measurement)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("deployment", nargs="?", default="all", choices=("embedded", "kafka", "all"))
    parser.add_argument("--only", type=_names, default=CHOICES, help=f"of {','.join(CHOICES)}; default all")
    parser.add_argument("--each", type=int, default=1, help="processes of each service on Kafka; the API has one")
    parser.add_argument("--concurrency", type=int, default=1000, help="attempts that one executor runs at a time")
    parser.add_argument("--jobs", type=int, default=JOB_COUNT, help="of the memory load")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--profile", action="store_true", help="sample every service; print where its CPU time goes")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep what the services log")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append each measurement as a line of JSON")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in CHOICES]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(CHOICES)}")
    return names


if __name__ == "__main__":
    main()
