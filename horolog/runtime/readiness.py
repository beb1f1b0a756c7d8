"""Whether the roles of one process do their work: what the process answers at `/readyz`, and shows.

Guarantee: asking never waits and changes nothing. A role that is expected and has told nothing yet is not ready, and
nothing is once the process has been asked to stop.
"""

from collections.abc import Callable, Iterable, Mapping


class Readiness:
    """Asks each role whenever it is asked itself."""

    def __init__(self) -> None:
        self._roles: dict[str, Callable[[], bool]] = {}
        self._is_stopping: Callable[[], bool] = _no

    def expect(self, roles: Iterable[str], is_stopping: Callable[[], bool]) -> None:
        """These roles are to run in this process, until `is_stopping` says that they are to end."""
        self._roles = dict.fromkeys(roles, _no) | self._roles
        self._is_stopping = is_stopping

    def watch(self, role: str, is_ready: Callable[[], bool]) -> None:
        """Ask this about the role from now on."""
        self._roles[role] = is_ready

    def standing(self) -> Mapping[str, bool]:
        """Whether each role does its work; none does once the process is stopping."""
        is_stopping = self._is_stopping()
        return {role: not is_stopping and is_ready() for role, is_ready in self._roles.items()}

    def waiting(self) -> list[str]:
        """What is not ready: roles, or that the process is stopping; nothing when all do their work."""
        if self._is_stopping():
            return ["stopping"]
        return [role for role, is_ready in self._roles.items() if not is_ready()]


def _no() -> bool:
    return False
