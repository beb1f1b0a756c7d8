"""How far an attempt is kept apart from its worker and from other attempts: a closed set of levels.

What each promises, and what not, is told in `docs/security.md`.
"""

from enum import StrEnum


class Isolation(StrEnum):
    """The levels, each of which promises all that the one before does.

    `process`: a session, resource limits, no way to gain privileges, a clean environment. `namespaces`: processes,
    files and accounts of its own. `container`: a container of its own, made by an engine that the operator names.
    """

    PROCESS = "process"
    NAMESPACES = "namespaces"
    CONTAINER = "container"

    def rank(self) -> int:
        """How far up it is."""
        return list(Isolation).index(self)

    def suffices_for(self, demanded: "Isolation") -> bool:
        """Whether this level promises all that `demanded` does."""
        return self.rank() >= demanded.rank()


def level_told(text: str) -> Isolation:
    """The level that a beat tells of; whatever else workers have told or may tell, each reaches the lowest."""
    return Isolation(text) if text in list(Isolation) else Isolation.PROCESS
