"""`python -m bench.peers FOLDER`: this project beside other schedulers, measured in one run by their laboratory.

FOLDER holds the laboratory's `bench.py` and its peer files (README.md says what is expected of it); nothing is written
there. What a peer needs is installed into `--lab` where npm can; a peer that cannot run here is named with the reason.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OURS = "horolog"
NODE_PEERS = ("seed_pg", "seed", "bullmq")
NODE_PACKAGES = ("bullmq@6.7", "ioredis", "node-cron@4.6", "pg", "cron-parser")
MEASURES = ("m1", "m2", "m3", "m4")
PROGRAMS = ("node", "npm", "redis-server", "redis-cli", "psql")
INSTALL_S_MAX = 600
RUN_S_MAX = 1800
# Runs the laboratory's own driver with this project added to its table of peers.
_DRIVER = """
import json, runpy, sys
sys.path.insert(0, sys.argv[1])
import bench as laboratory
laboratory.PEERS["horolog"] = json.loads(sys.argv[2])
sys.argv = [sys.argv[1] + "/bench.py", *sys.argv[3:]]
laboratory.main()
"""
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "m1": ("exec_per_s", "cpu_ms_per_exec", "total_s", "enqueue_s", "ok"),
    "m2": ("p50", "p99", "max", "missing", "dup", "cpu_ms_per_fire"),
    "m3": ("p50", "p99", "max", "missing", "dup", "cpu_ms_per_fire", "cpu_pct"),
    "m4": ("full",),
}


def main() -> None:
    """Measure and print."""
    options = _options()
    folder, lab = options.folder.resolve(), options.lab.resolve()
    lab.mkdir(parents=True, exist_ok=True)
    (lab / "data").mkdir(exist_ok=True)
    for path in (lab, lab / "data"):
        # PostgreSQL's own account has to pass through.
        path.chmod(0o755)
    peers = [peer for peer in options.peers.split(",") if _can_run(peer, lab)]
    for measure in options.measures.split(","):
        found = [_measured(folder, lab, peer, measure, options) for peer in peers]
        for line in _table(measure, [row for rows in found for row in rows]):
            print(line, flush=True)


def _can_run(peer: str, lab: Path) -> bool:
    """Whether the peer can run here; says why not."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    reason = f"not installed: {', '.join(missing)}" if missing and peer != OURS else None
    if reason is None and peer in NODE_PEERS and not (lab / "node" / "node_modules").exists():
        (lab / "node").mkdir(exist_ok=True)
        (lab / "node" / "package.json").write_text('{"name": "peers", "private": true}')
        command = ["npm", "install", "--no-audit", "--no-fund", *NODE_PACKAGES]
        done = subprocess.run(
            command, cwd=lab / "node", capture_output=True, text=True, check=False, timeout=INSTALL_S_MAX
        )
        reason = f"npm failed: {done.stderr[-300:]}" if done.returncode else None
    if reason is not None:
        print(f"{peer} is left out: {reason}", file=sys.stderr)
    return reason is None


def _measured(folder: Path, lab: Path, peer: str, measure: str, options: argparse.Namespace) -> list[Mapping[str, Any]]:
    """Have the laboratory measure one peer; its result lines."""
    ours = {"cmd": [sys.executable, str(HERE / "peer_horolog.py")], "store": ["pg"]}
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "results.jsonl"
        command = [sys.executable, "-c", _DRIVER, str(folder), json.dumps(ours), peer, measure]
        command += ["--runs", str(options.runs), "--out", str(results), "--limit", str(options.limit)]
        if options.n:
            command += ["--n", str(options.n)]
        environment = {**os.environ, "PEERLAB": str(lab), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=RUN_S_MAX)
        if done.returncode:
            print(f"{peer} {measure} failed: {done.stderr[-1000:]}", file=sys.stderr)
        lines = results.read_text().splitlines() if results.exists() else []
    if options.json is not None:
        with options.json.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
    return [json.loads(line) for line in lines]


def _table(measure: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    columns = _COLUMNS[measure]
    yield f"{measure:<10}" + "".join(f"{name:>17}" for name in columns) + f"{'busy before':>14}"
    for row in rows:
        yield f"{row['peer']:<10}" + "".join(f"{row[name]!s:>17}" for name in columns) + f"{row['bg_cpu']:>14}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the laboratory: bench.py and its peer files")
    parser.add_argument("--peers", default=f"seed_pg,bullmq,{OURS}", help="in this order")
    parser.add_argument("--measures", default="m1,m2", help=f"of {','.join(MEASURES)}")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--n", type=int, help="jobs or schedules, in place of each measure's own number")
    parser.add_argument("--limit", type=float, default=120, help="seconds that m1 may take")
    parser.add_argument("--lab", type=Path, default=Path(tempfile.gettempdir()) / "horolog-peers" / "lab")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the laboratory's result lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
