"""Which versions of the services are at work on a database, as far as their connections tell.

A connection of ours is called by its part and version (`horolog-api/0.1.0`); one without a version is older than that
habit. A service that has no connection at this moment is not seen: the API and the projections always have one, an
executor has one for a while after it needed the vault, tickers and dispatchers never use the database.
"""

import re

import asyncpg

from projections.statements import statement

_NAME = re.compile(r"horolog-([a-z]+(?:-[a-z]+)*)(?:/(\d+(?:\.\d+)*))?$")
_PASSING = frozenset({"migrate"})
"""Parts that only look or prepare, and end by themselves."""


async def older_at_work(connection: asyncpg.Connection, version: str) -> list[str]:
    """The names of the parts at work, with their versions, that are older than `version`."""
    names = [row["application_name"] for row in await connection.fetch(statement("sessions"))]
    return older_than(version, names)


def older_than(version: str, names: list[str]) -> list[str]:
    """Those of the connections' names that are of an older version, as they are told."""
    found = []
    for name in names:
        match = _NAME.match(name)
        if match is None or match[1] in _PASSING:
            continue
        if match[2] is None or _numbers(match[2]) < _numbers(version):
            found.append(f"{match[1]} {match[2] or 'without a version'}")
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
