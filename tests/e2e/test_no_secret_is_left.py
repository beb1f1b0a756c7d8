"""Canaries: secrets put in through every door of a whole system are found nowhere afterwards.

They go in as headers, variables, parameters, bodies, named secrets, tokens and in requests that are refused; jobs use
them, repeat them in every way, and fail with them. Then everything that the system keeps or shows is searched.
"""

import asyncio
import base64
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from horolog.runtime.logs import JsonLine
from tests.e2e.system import OTHER_TOKEN, PREFIX, SERVICE_TOKEN, TENANT, TOKEN, System, job, running
from tests.integration.tracing.collecting import Collector

ENDED = {"completed", "failed", "cancelled"}


class Canaries:
    """Makes secrets that are told apart, and remembers them all."""

    def __init__(self) -> None:
        self.made: list[str] = [TOKEN, OTHER_TOKEN, SERVICE_TOKEN]

    def new(self) -> str:
        self.made.append(f"cAnary{len(self.made):03d}/+x{len(self.made) * 7919:08d}")
        return self.made[-1]

    def keep(self, *secrets: str) -> None:
        """Remember secrets that somebody else has made."""
        self.made.extend(secrets)

    def found_in(self, data: bytes) -> list[str]:
        """Those that the data hold, in one form or another."""
        return [canary for canary in self.made if any(form in data for form in _forms(canary))]


def _forms(canary: str) -> tuple[bytes, ...]:
    encoded = base64.b64encode(canary.encode()).rstrip(b"=")[:-1]
    return canary.encode(), encoded, quote(canary, safe="").encode(), canary.replace("/", "\\/").encode()


class Echo(asyncio.Protocol):
    """An HTTP server that answers with the whole request that it got."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        heard = re.search(rb"(?i)x-canary: ([^\r]*)", data)
        head = b"HTTP/1.1 418 no\r\nContent-Length: %d\r\nX-Heard: %s\r\nConnection: close\r\n\r\n"
        self._transport.write(head % (len(data), heard[1] if heard else b"nothing") + data)
        self._transport.close()


@asynccontextmanager
async def echo() -> AsyncIterator[str]:
    """The address of an echo."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def asked(system: System, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """The JSON of a good answer."""
    answer = await system.client.request(method, path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def definitions(canaries: Canaries, url: str) -> list[dict[str, Any]]:
    """Jobs that repeat their secrets in every way."""
    new = canaries.new
    say = 'echo "$A $B"; echo "$A" | base64; echo "$A" >&2; printf %s "$C" | head -c 12; exit 3'
    env = {"A": new(), "B": f"x {new()}", "C": new()}
    command = {"command": "/bin/sh", "args": ["-c", say], "environment": env}
    headers = {"Authorization": f"Bearer {new()}", "Cookie": f"a={new()}; b={new()}", "X-Canary": new()}
    basic = base64.b64encode(f"me:{new()}".encode()).decode()
    http = {"url": url, "method": "POST", "headers": headers, "body": {"pin": new()}, "sensitiveBody": True}
    more = {"url": url, "method": "GET", "headers": {"Authorization": f"Basic {basic}", "X-Api-Key": "secret://one"}}
    parameters = {"token": new(), "text": new(), "deep": {"x": [new()]}, "kept": "secret://two"}
    call = {"modulePath": "tests.e2e.test_no_secret_is_left", "sensitive": ["text", "deep"], "parameters": parameters}
    return [
        job(name="command", jobType="command", config=command),
        job(name="http", jobType="http", config=http),
        job(name="more", jobType="http", config=more),
        job(name="returns", config={**call, "functionName": "returned"}),
        job(name="raises", config={**call, "functionName": "raised"}),
    ]


def returned(**given: Any) -> Any:
    """A function that prints and returns what it was given."""
    print(given)
    return {"given": given, **{str(value): 1 for value in given.values()}}


def raised(**given: Any) -> Any:
    """A function that fails with what it was given."""
    raise ValueError(f"cannot use {given!r}")


async def refuse(system: System, canaries: Canaries) -> list[str]:
    """The answers to requests that are refused, with secrets in them."""
    new, bad = canaries.new, f"{PREFIX}/jobs"
    bodies: list[Any] = [
        job(jobType="http", config={"url": f"https://u:{new()}@x/", "method": "GET"}),
        job(jobType="http", config={"url": "ftp://x", "method": "GET", "headers": {"Authorization": f"\n{new()}"}}),
        job(jobType="command", config={"command": "x", "environment": {"A": new(), "1": new()}}),
        job(cronExpression=new(), config={"modulePath": new(), "functionName": "x", "parameters": new()}),
        job(unheardOf=new()),
        [new()],
    ]
    answers = [await system.client.post(bad, json=body) for body in bodies]
    answers.append(await system.client.post(bad, content=new().encode(), headers={"Content-Type": "text/plain"}))
    answers.append(await system.client.get(f"{bad}?limit={quote(new())}"))
    answers.append(await system.client.put("/api/v1/secrets/one", json={"value": [new()]}))
    for header in (f"Bearer {new()}", f"Basic {new()}"):
        answers.append(await system.nobody.get(bad, headers={"Authorization": header}))
    answers.append(await system.nobody.get("/internal/jobs/x/status", headers={"X-Service-Token": new()}))
    assert {answer.status_code // 100 for answer in answers} == {4}, [answer.status_code for answer in answers]
    return [answer.text + str(answer.headers) for answer in answers]


async def use(system: System, canaries: Canaries, url: str) -> list[str]:
    """The answers of a system that takes secrets, runs with them, and takes others in their place."""
    for name in ("one", "two"):
        await asked(system, "PUT", f"/api/v1/secrets/{name}", {"value": canaries.new()})
    made = [
        await asked(system, "POST", f"{PREFIX}/jobs", one, **{"Idempotency-Key": f"k{index}"})
        for index, one in enumerate(definitions(canaries, url))
    ]
    batch = {"tenantId": TENANT, "jobs": definitions(canaries, url)[:2]}
    told = [(await system.service.post("/internal/jobs/batch-create", json=batch)).text]
    executions = []
    for one in made:
        wish = {"parameters": {"token": canaries.new(), "extra_secret": canaries.new()}}
        body = wish if one["jobType"] == "function" else {}
        executions.append(await asked(system, "POST", f"{PREFIX}/jobs/{one['id']}/trigger", body))
    for execution in executions:
        seen = await system.eventually(f"/executions/{execution['id']}", lambda body: body["status"] in ENDED)
        told.append(str(seen))
    for one in made:
        place = f"{PREFIX}/jobs/{one['id']}"
        changed = definitions(canaries, url)[made.index(one)]
        told.append(str(await asked(system, "PUT", place, changed)))
        told += [str(await asked(system, "GET", f"{place}{rest}")) for rest in ("", "/versions", "/executions")]
    told += [
        str(await asked(system, "GET", path)) for path in (f"{PREFIX}/jobs", "/api/v1/secrets", f"{PREFIX}/status")
    ]
    assert sum("********" in text for text in told) > len(made)
    return [*told, str(made)]


async def everything_in(dsn: str) -> bytes:
    """Every row of every table of every schema that is not the database's own, as text."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        )
        rows = [
            await connection.fetchval(f"select string_agg(t::text, E'\\n') from {table['name']} as t")
            for table in tables
        ]
    finally:
        await connection.close()
    assert len(tables) > 10
    return "\n".join(row or "" for row in rows).encode()


def bytes_in(folder: Path) -> dict[str, bytes]:
    """What each file of the folder holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.slow
async def test_no_secret_that_was_put_in_is_found_in_what_is_kept_or_shown(
    migrated_database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Airflow CVE-2024-45784, CVE-2025-54831 and CVE-2026-43826, Rundeck CVE-2022-31044."""
    canaries = Canaries()
    for name in ("horolog", "services", "projections"):
        caplog.set_level(logging.DEBUG, logger=name)
    log_path = str(tmp_path / "log.db")
    async with (
        Collector() as collector,
        running(migrated_database, log_path=log_path, collector=collector.endpoint) as system,
        echo() as url,
    ):
        places = {"answers": await use(system, canaries, url), "refusals": await refuse(system, canaries)}
        places["metrics"] = [system.metrics.render().decode()]
    places["traces"] = [got.body.decode() for got in collector.got]
    places["logs"] = [JsonLine().format(record) + record.getMessage() for record in caplog.records]
    kept = bytes_in(tmp_path)
    kept |= {name: "\n".join(texts).encode() for name, texts in places.items()}
    kept["database"] = await everything_in(migrated_database)
    assert len(canaries.made) >= 50
    assert b"horolog.execution.id" in kept["traces"]
    assert b"enc:v1:" in kept["database"]
    assert any(b"enc:v1:" in data for name, data in kept.items() if name.startswith("log.db"))
    assert {name: found for name, data in kept.items() if (found := canaries.found_in(data))} == {}
