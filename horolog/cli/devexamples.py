"""Loading the examples, and a line of the machine's own crontab, into a system that has just started."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from examples import load
from horolog.cli.crontab import Crontab, Surroundings, has_user_column, read_crontab
from horolog.cli.machine_zone import machine_zone
from horolog.client import AsyncClient, ClientSettings, Conflict, HorologError, JobFilter, Patience
from schemas.http import JobResponse
from schemas.tenants import TenantSettings

CRONTABS = (Path("/etc/crontab"), Path("/etc/cron.d"))
READY_TRIES = 200
READY_PAUSE_S = 0.05
FIRST_JOB = "echo"
"""What the first job of the README runs."""
ONCE = ClientSettings(timeout_s=10, patience=Patience(try_count_max=1))


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
    async with AsyncClient(url, token, ONCE) as client:
        await _ready(client)
        known = {job.name: job async for job in client.list_jobs(JobFilter(tag="example"))}
        lines: list[str] = []
        for body in load(url):
            try:
                await _bring_about(client, body, known.get(body["name"]))
            except HorologError as error:
                lines.append(f"could not create {body['name']!r}: {error}")
        return lines + await _import_crontabs(client)


async def _bring_about(client: AsyncClient, body: dict[str, Any], known: JobResponse | None) -> None:
    """Create the example, or adapt it: the API's own address, which it may call, can be another one in this run."""
    if known is None:
        # In conflict: the key is known with another body, of an earlier run, and somebody has deleted that job since.
        with suppress(Conflict):
            await client.create_job(body, key=_key(f"example/{body['name']}"))
    elif any(known.config.get(name) != value for name, value in body["config"].items()):
        await client.update_job(known.id, body)


async def _ready(client: AsyncClient) -> None:
    """Wait until the API answers, every partition has its owners and a worker is there."""
    for _ in range(READY_TRIES):
        with suppress(HorologError):
            workers = (await client.request("GET", "/workers"))["workers"]
            if any(worker["live"] for worker in workers) and not (await client.get_status()).unowned:
                return
        await asyncio.sleep(READY_PAUSE_S)


def _key(text: str) -> str:
    return text.replace(" ", "-")


async def _import_crontabs(client: AsyncClient) -> list[str]:
    """Import the machine's own crontab and pause what came of it: the machine's cron runs these jobs already."""
    for path in _crontabs():
        found = await asyncio.to_thread(_read, path)
        if found is not None and found.entries:
            return await _import(client, path, found)
    return ["no crontab of this machine has a line to import"]


async def _import(client: AsyncClient, path: Path, found: Crontab) -> list[str]:
    count = 0
    for entry in found.entries:
        try:
            job = await client.create_job(entry.body(), key=_key(f"crontab/{path.name}/{entry.name}"))
        except HorologError:
            continue
        await client.pause_job(job.id, reason="this machine's cron runs it")
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
