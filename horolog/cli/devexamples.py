"""Loading the examples, and a line of the machine's own crontab, into a system that has just started."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from examples import load
from horolog.cli.crontab import Crontab, Surroundings, has_user_column, read_crontab
from horolog.cli.machine_zone import machine_zone
from schemas.tenants import TenantSettings

CRONTABS = (Path("/etc/crontab"), Path("/etc/cron.d"))
READY_TRIES = 200
READY_PAUSE_S = 0.05
FIRST_JOB = "echo"
"""What the first job of the README runs."""
PREFIX = "/api/v1/scheduler"


def needed() -> TenantSettings:
    """What a tenant has to be allowed: the examples, the README's first job, and this machine's own crontabs."""
    configs = [body["config"] for body in load("http://localhost")]
    entries = [entry for path in _crontabs() if (found := _read(path)) is not None for entry in found.entries]
    commands = [FIRST_JOB, *(config["command"] for config in configs if "command" in config)]
    commands += [entry.command for entry in entries]
    executables = {command for command in commands if "/" not in command or command.startswith("/")}
    modules = {config["modulePath"] for config in configs if "modulePath" in config}
    return TenantSettings(allowed_executables=tuple(sorted(executables)), allowed_modules=tuple(sorted(modules)))


async def load_examples(url: str, token: str) -> list[str]:
    """Create the example jobs, unless they are there already; returns a line about each thing worth telling."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10, trust_env=False) as client:
        await _ready(client)
        known = {job["name"]: job for job in await _jobs(client, "example")}
        lines: list[str] = []
        for body in load(url):
            answer = await _bring_about(client, body, known.get(body["name"]))
            if answer is not None and answer.is_error:
                lines.append(f"could not create {body['name']!r}: {answer.text[:300]}")
        return lines + await _import_crontabs(client)


async def _jobs(client: httpx.AsyncClient, tag: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{PREFIX}/jobs", params={"tag": tag, "limit": 200})
    jobs: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return jobs


async def _bring_about(
    client: httpx.AsyncClient, body: dict[str, Any], known: dict[str, Any] | None
) -> httpx.Response | None:
    """Create the example, or adapt it: the API's own address, which it may call, can be another one in this run."""
    if known is None:
        answer = await _create(client, f"example/{body['name']}", body)
        # The key is known with another body: an earlier run created it, and somebody has deleted it since.
        return None if answer.status_code == httpx.codes.CONFLICT else answer
    if all(known["config"].get(name) == value for name, value in body["config"].items()):
        return None
    return await client.put(f"{PREFIX}/jobs/{known['id']}", json=body)


async def _ready(client: httpx.AsyncClient) -> None:
    """Wait until the API answers, every partition has its owners and a worker is there."""
    for _ in range(READY_TRIES):
        try:
            parts = (await client.get("/health")).json()["dependencies"]
        except httpx.TransportError:
            parts = {}
        if parts.get("distributedLock") == "healthy" and parts["services"]["executor"] == "healthy":
            return
        await asyncio.sleep(READY_PAUSE_S)


async def _create(client: httpx.AsyncClient, key: str, body: dict[str, Any]) -> httpx.Response:
    return await client.post(f"{PREFIX}/jobs", json=body, headers={"Idempotency-Key": key.replace(" ", "-")})


async def _import_crontabs(client: httpx.AsyncClient) -> list[str]:
    """Import the machine's own crontab and pause what came of it: the machine's cron runs these jobs already."""
    for path in _crontabs():
        found = await asyncio.to_thread(_read, path)
        if found is not None and found.entries:
            return await _import(client, path, found)
    return ["no crontab of this machine has a line to import"]


async def _import(client: httpx.AsyncClient, path: Path, found: Crontab) -> list[str]:
    count = 0
    for entry in found.entries:
        answer = await _create(client, f"crontab/{path.name}/{entry.name}", entry.body())
        if answer.status_code != 201:
            continue
        await client.post(f"{PREFIX}/jobs/{answer.json()['id']}/pause", json={"reason": "this machine's cron runs it"})
        count += 1
    lines = [f"imported {count} of {path}, paused: this machine's own cron runs them"] if count else []
    return lines + [f"{path}:{line.line} was not taken over: {line.reason}" for line in found.refused]


def _crontabs() -> list[Path]:
    return [CRONTABS[0], *sorted(CRONTABS[1].glob("*"))] if CRONTABS[1].is_dir() else [CRONTABS[0]]


def _read(path: Path) -> Crontab | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return read_crontab(text, Surroundings(machine_zone(), has_user_column(str(path), "auto")))
