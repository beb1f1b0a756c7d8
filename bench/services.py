"""Service processes: `horolog serve`, each role in a process of its own, ended by their ids.

With `profiles` they run under `bench.sampling`, which writes a file for each of them there.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
STOP_S_MAX = 20.0


class Services:
    """Running service processes by role. Start them from the thread that ends them."""

    def __init__(self, environment: Mapping[str, str], logs: Path, profiles: Path | None = None) -> None:
        self._environment = {**os.environ, **environment}
        self._logs = logs
        self._profiles = profiles
        self._running: dict[str, list[subprocess.Popen[bytes]]] = {}

    @property
    def pids(self) -> dict[str, list[int]]:
        """The process ids of every role."""
        return {role: [process.pid for process in running] for role, running in self._running.items()}

    def prepare(self) -> None:
        """Create the topics and the database's schema."""
        for command in ("topics", "migrate"):
            self._horolog(command)

    def start(self, role: str) -> None:
        """Start one more process of the role."""
        running = self._running.setdefault(role, [])
        name = f"{role}-{len(running) + 1}"
        command = [sys.executable, "-m", "horolog.cli", "serve", role]
        if self._profiles is not None:
            file = str(self._profiles / f"{name}.json")
            command = [sys.executable, "-m", "bench.sampling", file, "serve", role]
        with (self._logs / f"{name}.log").open("ab") as log:
            running.append(subprocess.Popen(command, env=self._environment, cwd=REPOSITORY, stdout=log, stderr=log))

    def sample(self, begins: bool) -> None:
        """Begin or end the sampling of every process; without effect unless `profiles` were asked for."""
        if self._profiles is None:
            return
        for process in self._everyone():
            process.send_signal(signal.SIGUSR1 if begins else signal.SIGUSR2)

    def check(self) -> None:
        """Raises RuntimeError with its last words when a process has ended by itself."""
        for role, running in self._running.items():
            for number, process in enumerate(running, 1):
                if process.poll() is not None:
                    words = (self._logs / f"{role}-{number}.log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{role} {number} ended with {process.returncode}: {words}")

    def stop(self) -> None:
        """End all processes, by force those that take longer than `STOP_S_MAX`."""
        everyone = self._everyone()
        for process in everyone:
            process.terminate()
        for process in everyone:
            try:
                process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _everyone(self) -> list[subprocess.Popen[bytes]]:
        return [process for running in self._running.values() for process in running]

    def _horolog(self, command: str) -> None:
        argv = [sys.executable, "-m", "horolog.cli", command]
        done = subprocess.run(argv, env=self._environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"horolog {command} failed: {done.stderr[-2000:]}")
