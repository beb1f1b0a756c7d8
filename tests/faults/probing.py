"""Asking for jobs and for the system's health while something is wrong, and noting every answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.client import DEADLINE_S, POLL_S, PREFIX, QUIET, Client

PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a job under a key of its own, and its answer."""

    key: str
    at_once: bool
    status: int
    code: str
    retry_after: str | None


@dataclass(slots=True)
class Probes:
    """What was asked and answered."""

    asked: list[Asked] = field(default_factory=list)
    dependencies: list[Mapping[str, Any]] = field(default_factory=list)

    def blames(self, part: str) -> bool:
        """Whether `/health` came to name this part, and still did at the end; and mostly no other server with it.

        Mostly, because on a busy machine another may fail to answer within the second that a check takes.
        """
        others = {"database", "redis", "jobQueue"} - {part}
        said = [parts for parts in self.dependencies if parts[part] == "unhealthy"]
        alone = [parts for parts in said if all(parts[other] == "healthy" for other in others)]
        return 2 * len(alone) > len(said) and self.dependencies[-1][part] == "unhealthy"


async def probe(client: Client, name: str, seconds: float) -> Probes:
    """Ask again and again for so many seconds; requests alternate between waiting for the effect and not."""
    probes = Probes()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def ask_for_jobs() -> None:
        number = 0
        while loop.time() < end:
            number += 1
            probes.asked.append(await _ask(client, f"{name}-{number}", at_once=number % 2 == 0))
            await asyncio.sleep(PAUSE_S)

    async def ask_for_health() -> None:
        while loop.time() < end:
            probes.dependencies.append((await client.health())["dependencies"])
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(ask_for_jobs(), ask_for_health())
    return probes


async def repeat(client: Client, asked: Asked) -> str:
    """Ask once more under the same key; returns the job's id."""
    answer = await client.create({**QUIET, "name": asked.key}, asked.key)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def appeared(client: Client, name: str) -> None:
    """Wait until there is a job of this name, as was promised."""
    async with asyncio.timeout(DEADLINE_S):
        while not await named(client, name):
            await asyncio.sleep(POLL_S)


async def named(client: Client, name: str) -> list[str]:
    """The ids of the jobs of this name."""
    answer = await client.http.get(f"{PREFIX}/jobs", params={"q": name})
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["items"] if job["name"] == name]


async def _ask(client: Client, key: str, at_once: bool) -> Asked:
    headers = {"Idempotency-Key": key, **({"Prefer": "respond-async"} if at_once else {})}
    answer = await client.http.post(f"{PREFIX}/jobs", json={**QUIET, "name": key}, headers=headers)
    body = answer.json()
    code = body["error"]["code"] if answer.is_error else ""
    return Asked(key, at_once, answer.status_code, code, answer.headers.get("retry-after"))
