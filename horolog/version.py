"""Which version of the code this process runs, and how its connections tell it to others."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def own_version() -> str:
    """That of the installed package; 0 where the code runs without being installed."""
    try:
        return version("horolog")
    except PackageNotFoundError:
        return "0"


def connection_name(part: str) -> str:
    """What a database is told that a connection of this part is; `projections.at_work` reads it there."""
    return f"{part}/{own_version()}"
