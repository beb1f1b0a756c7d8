"""`python -m deploy.local up | down | status | env | watch`: see the package's own description.

Exit codes: 0 done, 1 it failed or (status, env) nothing is running, 2 wrong usage.
"""

import argparse
import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.cluster import NODE_COUNTS
from deploy.local.state import Laboratory, read_state, remove_state
from deploy.local.supervisor import supervise
from deploy.local.watch import PORT_DEFAULT, SOURCE, Watched, targets_of, watch
from horolog.adapters.servers.process import await_end, is_alive, send

DIRECTORY = Path(".horolog") / "local"
SUPERVISOR_END_S = 60.0
SERVER_END_S = 20.0
REPOSITORY = Path(__file__).resolve().parents[2]


def main(argv: list[str]) -> int:
    """Run one subcommand and return the process's exit code."""
    arguments = _parser().parse_args(argv)
    directory: Path = arguments.dir.resolve()
    # Not listable, but open to passing through, which PostgreSQL's own account must do below it.
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    match arguments.command:
        case "up":
            return up(directory, arguments.kafka_nodes, as_json=arguments.json)
        case "down":
            return down(directory)
        case "supervise":
            return supervise(directory, arguments.kafka_nodes)
        case "env":
            return env(directory)
        case "watch":
            return _watch(directory, arguments)
        case _:
            return status(directory, as_json=arguments.json)


def up(directory: Path, kafka_nodes: int, *, as_json: bool) -> int:
    """Start the laboratory in the background and print its addresses; the same again when it already runs."""
    laboratory = read_state(directory)
    if laboratory is not None and laboratory.is_running and laboratory.environment:
        _show(laboratory, as_json=as_json)
        return 0
    begin = time.monotonic()
    command = [sys.executable, "-m", "deploy.local", "supervise"]
    command += ["--dir", str(directory), "--kafka-nodes", str(kafka_nodes)]
    with (
        (directory / "supervisor.log").open("ab") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=REPOSITORY,
            start_new_session=True,
        ) as supervisor,
    ):
        assert supervisor.stdout is not None
        line = supervisor.stdout.readline()
        answer = json.loads(line) if line else {"error": f"The supervisor died, see {log.name}."}
        if "error" in answer:
            sys.stderr.write(f"{answer['error']}\n")
            return 1
        # The supervisor lives on; leaving the with block would wait for its end.
        supervisor.returncode = 0
    ready = read_state(directory)
    if ready is None:
        sys.stderr.write("The laboratory was stopped while it started.\n")
        return 1
    _show(ready, as_json=as_json)
    sys.stderr.write(f"Ready after {time.monotonic() - begin:.1f} s.\n")
    return 0


def down(directory: Path) -> int:
    """End exactly the recorded processes, servers cleanly; without effect when nothing runs."""
    laboratory = read_state(directory)
    if laboratory is None:
        sys.stderr.write("Nothing is running.\n")
        return 0
    send(laboratory.supervisor, signal.SIGTERM)
    if not await_end(laboratory.supervisor, SUPERVISOR_END_S):
        send(laboratory.supervisor, signal.SIGKILL)
    # With the supervisor gone the kernel has told each server to stop, so here they only get time for it.
    for name, identity in laboratory.servers.items():
        if not await_end(identity, SERVER_END_S):
            sys.stderr.write(f"{name} ({identity.pid}) did not stop in time and is killed.\n")
            send(identity, signal.SIGKILL)
            await_end(identity, SERVER_END_S)
    remove_state(directory)
    sys.stderr.write("Stopped.\n")
    return 0


def status(directory: Path, *, as_json: bool) -> int:
    """Print which processes live; exit code 0 only when all do."""
    laboratory = read_state(directory)
    if laboratory is None:
        sys.stderr.write("Nothing is running.\n")
        return 1
    processes = {"supervisor": laboratory.supervisor, **laboratory.servers}
    alive = {name: is_alive(identity) for name, identity in processes.items()}
    if as_json:
        rows = {name: {"pid": processes[name].pid, "alive": lives} for name, lives in alive.items()}
        sys.stdout.write(json.dumps({"ready": bool(laboratory.environment), "processes": rows}) + "\n")
    else:
        for name, lives in alive.items():
            sys.stdout.write(f"{name:12} {processes[name].pid:8} {'alive' if lives else 'gone'}\n")
    return 0 if all(alive.values()) and laboratory.environment else 1


def env(directory: Path) -> int:
    """Print export lines for a shell."""
    laboratory = read_state(directory)
    if laboratory is None or not laboratory.is_running or not laboratory.environment:
        sys.stderr.write("Nothing is running.\n")
        return 1
    _show(laboratory, as_json=False)
    return 0


def _watch(directory: Path, arguments: argparse.Namespace) -> int:
    try:
        targets = targets_of(arguments.targets)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return watch(directory, Watched(targets, arguments.config.resolve(), arguments.port))


def _show(laboratory: Laboratory, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(laboratory.environment) + "\n")
        return
    for name, value in laboratory.environment.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="Real servers on 127.0.0.1.")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--dir", type=Path, default=DIRECTORY, help=f"data and state (default {DIRECTORY})")
    nodes = argparse.ArgumentParser(add_help=False)
    nodes.add_argument("--kafka-nodes", type=int, choices=NODE_COUNTS, default=1)
    shape = argparse.ArgumentParser(add_help=False)
    shape.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", parents=[shared, nodes, shape], help="start everything and print export lines")
    commands.add_parser("down", parents=[shared], help="stop everything")
    commands.add_parser("status", parents=[shared, shape], help="show what lives")
    commands.add_parser("env", parents=[shared], help="print export lines")
    commands.add_parser("supervise", parents=[shared, nodes])
    watching = commands.add_parser("watch", parents=[shared], help="run Prometheus over processes of this machine")
    watching.add_argument("targets", nargs="*", metavar="SERVICE=PORT", help="whom to scrape, if not the usual ports")
    watching.add_argument("--config", type=Path, default=SOURCE, help="configuration and rules")
    watching.add_argument("--port", type=int, default=PORT_DEFAULT, help=f"of Prometheus (default {PORT_DEFAULT})")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
