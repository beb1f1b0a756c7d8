"""The service processes of the campaign: two of each role, each in a place of its own that can be filled anew.

A place that a fault emptied is filled by `refill`. A process that ended by itself is kept on record until then.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaign.kernel import state_of

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = ("api", "ticker", "dispatcher", "executor", "projections")
EACH = 2
STOP_S_MAX = 20.0
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Dress:
    """How a process is started unlike the others: by way of another program, with more in its environment."""

    prefix: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


PLAIN = Dress()


@dataclass(slots=True)
class Services:
    """Every place, and who is in it."""

    environment: Mapping[str, str]
    logs: Path
    api_ports: Sequence[int]
    running: dict[Place, subprocess.Popen[bytes]] = field(default_factory=dict)
    dressed: set[Place] = field(default_factory=set)

    def start(self, place: Place, dress: Dress = PLAIN) -> None:
        """Fill a place."""
        role, number = place
        environment = {**self.environment, **dress.environment}
        if role == "api":
            environment["HOROLOG_API_PORT"] = str(self.api_ports[number])
        argv = [*dress.prefix, sys.executable, "-m", "horolog.cli", "serve", role]
        self.running[place] = self.spawn(argv, f"{role}-{number}", environment)
        if dress is not PLAIN:
            self.dressed.add(place)

    def spawn(self, argv: Sequence[str], name: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a process, in no place as yet; it ends with this one, however this one ends."""
        with (self.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*_ending_with_us(), *argv], env=dict(environment), cwd=REPOSITORY, stdout=log, stderr=log
            )

    def refill(self) -> None:
        """Fill every empty place, and bring everybody in special dress back to the ordinary."""
        for place in self.dressed & set(self.running):
            self.end(place)
        self.dressed.clear()
        self.refill_dead()

    def refill_dead(self) -> None:
        """Fill every empty place."""
        for place in ((role, number) for role in ROLES for number in range(EACH)):
            if place not in self.running or self.running[place].poll() is not None:
                self.start(place)

    def died(self) -> list[str]:
        """Who ended though nobody ended them, with their exit codes."""
        ended = ((place, process.poll()) for place, process in self.running.items())
        return [f"{place[0]}-{place[1]} ({code})" for place, code in ended if code is not None]

    def kill(self, places: Sequence[Place]) -> list[int]:
        """Kill processes as a crash would, all before any is waited for; returns their exit codes."""
        victims = [self.running.pop(place) for place in places]
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        return [victim.wait() for victim in victims]

    def end(self, place: Place) -> int:
        """End a process in the ordinary way; returns its exit code."""
        process = self.running.pop(place)
        process.send_signal(signal.SIGCONT)
        process.terminate()
        return waited(process)

    def freeze(self, place: Place) -> str:
        """Stop a process in its tracks; returns the state it is in then."""
        process = self.running[place]
        process.send_signal(signal.SIGSTOP)
        # The signal is pending until the process is next scheduled.
        os.sched_yield()
        return state_of(process.pid)

    def thaw(self, place: Place) -> None:
        """Let a stopped process go on."""
        self.running[place].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End everybody."""
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.running.values():
            waited(process)
        self.running.clear()


def waited(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process that was asked to end, by force if it does not."""
    try:
        return process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _ending_with_us() -> tuple[str, ...]:
    return ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
