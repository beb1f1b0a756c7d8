"""The installation of `docs/monitoring.md`, "Seeing it on one machine": made by its commands, on the session's servers.

What differs from the page: the servers are those of the tests instead of `make up`, ports are free ones, topics have a
prefix of their own, and Prometheus reads what makes it quick (`tests/integration/monitoring/quick.py`).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.local.ports import free_ports
from deploy.local.watch import USUAL
from tests.documents.blocks import Block, block
from tests.documents.terminal import Terminal, terminal
from tests.faults.client import client_of
from tests.faults.deployment import environment_of
from tests.integration.monitoring.quick import quickened
from tests.tidy.tree import ROOT

PARTITION_COUNT = 4
TENANT = "11111111-2222-4333-8444-555555555555"
PAGE_PORTS = (*USUAL.values(), 3009, 8098, 8099, 9090)
"""Those of figures, of the API, of the receiver of notifications, of whoever the job calls, and of Prometheus."""
DEADLINE_S = 60.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Installation:
    """Processes at work, and the terminal in which they were started; `ports` by those that the page names."""

    terminal: Terminal
    ports: Mapping[int, int]

    def run(
        self, shown: Block, places: Mapping[str, str] | None = None, failing: Mapping[str, int] | None = None
    ) -> str:
        """What a block prints that is run here, with the ports of this installation."""
        named = {str(port): str(self.ports[port]) for port in PAGE_PORTS if str(port) in shown.text}
        return self.terminal.run(shown.filled({**(places or {}), **named}), failing=failing or {})

    def url(self, port: int) -> str:
        """The address of whoever is at this port of the page."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def told(self, words: str) -> Any:
        """The JSON that a command answers with."""
        return json.loads(self.terminal.run(f".venv/bin/horolog {words} --json"))

    def administer(self, lines: str, typed: str = "") -> str:
        """What lines print that are run without the tenant's token: by whoever has signed in."""
        # Who has a token in the environment acts by that one.
        return self.terminal.run(f"(unset HOROLOG_TOKEN\n{lines}\n)", typed=typed)

    def received(self) -> list[str]:
        """What the receiver has told."""
        return (self.terminal.folder / ".horolog" / "received").read_text(encoding="utf-8").splitlines()


@contextmanager
def installed(kafka: str, dsn: str, redis_url: str) -> Iterator[Installation]:
    """The processes of the page, at work; ended at the end."""
    ports = dict(zip(PAGE_PORTS, free_ports(len(PAGE_PORTS)), strict=True))
    settings = {
        "REDIS_URL": redis_url,
        "HOROLOG_PARTITIONS": str(PARTITION_COUNT),
        "HOROLOG_API_PORT": str(ports[3009]),
        "HOROLOG_URL": f"http://127.0.0.1:{ports[3009]}",
    }
    prefix = f"documents-{ports[3009]}."
    with terminal(environment_of(kafka, dsn, prefix, Path(".horolog"), settings)) as shell:
        (shell.folder / ".horolog").mkdir()
        there = Installation(shell, ports)
        prepare(there)
        targets = " ".join(f"{service}={ports[port]}" for service, port in USUAL.items())
        quick = quickened(shell.folder, {})
        there.run(
            block("docs/monitoring.md", "sh", 2),
            {"make watch": recipe("watch", f"{targets} --port {ports[9090]} --config {quick}")},
        )
        asyncio.run(ready(there))
        yield there


def prepare(there: Installation) -> None:
    """Schema, topics and settings; users can sign in, and a worker's functions may be called."""
    there.terminal.run("openssl genpkey -algorithm ed25519 -out auth.pem; export HOROLOG_AUTH_KEY_FILE=$PWD/auth.pem")
    there.run(
        block("docs/monitoring.md", "sh", 1),
        {
            'make up && eval "$(.venv/bin/python -m deploy.local env)"': "",
            '["echo"]': '["echo", "df"], "allowedModules": ["billing"]',
        },
    )


async def ready(there: Installation) -> None:
    """Wait until the system is healthy, and Prometheus there."""
    async with client_of(there.ports[3009]):
        pass
    async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(trust_env=False) as http:
        while not await answers(http, f"{there.url(9090)}/-/ready"):
            await asyncio.sleep(POLL_S)


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    """Whether somebody is there who answers well."""
    try:
        return (await http.get(url)).is_success
    except httpx.TransportError:
        return False


def recipe(target: str, arguments: str = "") -> str:
    """What `make` runs for a target once everything is installed."""
    [found] = re.findall(rf"^{target}:.*\n\t@?(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return str(found).replace("$(PY)", ".venv/bin/python").replace("$(ARGS)", arguments)
