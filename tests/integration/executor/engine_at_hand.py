"""An engine of its own for one test, and what it was asked for; not a test."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from services.executor.isolation_settings import ContainerSettings
from tests.integration.executor.engine_stand_in import ROOT

IMAGES = ("horolog:1", "registry.example/tools@sha256:00")


@dataclass(frozen=True, slots=True)
class EngineAtHand:
    """An engine whose memory is the directory `state`."""

    state: Path

    @property
    def settings(self) -> ContainerSettings:
        return ContainerSettings(str(self.state / "engine"), IMAGES)

    def calls(self, subcommand: str) -> list[list[str]]:
        """The arguments of each call so far."""
        lines = (self.state / "calls").read_text().splitlines()
        return [call for line in lines if (call := json.loads(line)["arguments"])[0] == subcommand]

    def seen_variables(self) -> set[str]:
        """The names of all variables that the engine was started with."""
        lines = (self.state / "calls").read_text().splitlines()
        return {name for line in lines for name in json.loads(line)["environment"]}

    def containers(self) -> list[str]:
        """The names of those that there are."""
        return sorted(path.name for path in (self.state / "containers").iterdir())

    def fail(self) -> None:
        """From now on, nothing that it is asked for works."""
        (self.state / "fails").touch()


def engine_in(state: Path) -> EngineAtHand:
    """A new engine."""
    (state / "containers").mkdir(parents=True)
    (state / "calls").touch()
    script = state / "engine"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"from tests.integration.executor.engine_stand_in import main\nmain(Path({str(state)!r}))\n"
    )
    script.chmod(0o755)
    return EngineAtHand(state)
