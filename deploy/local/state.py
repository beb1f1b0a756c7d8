"""What one laboratory consists of, kept in `state.json`: process identities and the addresses to use.

Identities carry start times, so a state file that outlived its processes never names anybody else's.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from horolog.adapters.servers.process import Identity, is_alive


@dataclass(frozen=True, slots=True)
class Laboratory:
    """One running (or lately running) laboratory; `environment` is empty until everything is ready."""

    supervisor: Identity
    servers: dict[str, Identity] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether the supervisor lives, ready or still starting."""
        return is_alive(self.supervisor)


def write_state(directory: Path, laboratory: Laboratory) -> None:
    """Replace the state file in one step; it holds the database password, so only the owner may read it."""
    aside = directory / "state.json.new"
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(asdict(laboratory), indent=2) + "\n")
    aside.replace(directory / "state.json")


def read_state(directory: Path) -> Laboratory | None:
    """Return what the state file says, or None when there is none."""
    try:
        stored = json.loads((directory / "state.json").read_text())
    except FileNotFoundError:
        return None
    servers = {name: Identity(**identity) for name, identity in stored["servers"].items()}
    return Laboratory(Identity(**stored["supervisor"]), servers, stored["environment"])


def remove_state(directory: Path) -> None:
    """Forget the laboratory; without effect when there is none."""
    (directory / "state.json").unlink(missing_ok=True)
