"""The programs of `docs/sdk.md`, run beside the installation of `docs/monitoring.md`; each in a process of its own.

A block is a part of somebody's program: what it takes for granted is put before it, and what it leaves behind is told
after it.
"""

from __future__ import annotations

import textwrap

import pytest

from tests.documents.blocks import block
from tests.documents.installation import TENANT, Installation

PAGE = "docs/sdk.md"
CONNECTED = "from horolog.client import EventFilter, connect, http_job\n\nhorolog = connect()\n"
FAILING = 'horolog.create_job(http_job("failing", "* * * * * *", "http://127.0.0.1:1/"))\n'
UNTIL_THE_FIRST = """
def kept():
    return {beginning}

def tell(*told):
    print("told", *told, flush=True)
    globals()["keep"] = lambda _: sys.exit()

def keep(_):
    pass
"""
"""A place for positions, and somebody who listens to one event and goes."""
BOOKS = """
def books(region):
    return [f"{region} sales", f"{region} stock"]

def close(book, key):
    print(book, "closed under", key)
"""

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


def printed(installation: Installation, name: str, program: str) -> str:
    """What a program prints that is run from a file of this name."""
    (installation.terminal.folder / f"{name}.py").write_text(program, encoding="utf-8")
    return installation.terminal.run(f".venv/bin/python {name}.py")


def test_job_is_created_run_and_changed(installation: Installation) -> None:
    places = {
        "https://scheduler.example": installation.url(3009),
        "https://example.org/health": f"{installation.url(3009)}/health",
    }
    before = 'import os\n\ntoken = os.environ["HOROLOG_TOKEN"]\n'
    after = "print(ended.status, horolog.get_job(job.id).priority)\n"
    text = block(PAGE, "python", 1).filled(places)
    # The client is closed at the end of its block.
    assert printed(installation, "calling", f"{before}{text}{textwrap.indent(after, '    ')}") == "completed 5\n"


def test_events_are_followed_from_where_they_were_kept(installation: Installation) -> None:
    before = "import sys\n" + CONNECTED + FAILING + UNTIL_THE_FIRST.format(beginning="None")
    told = printed(installation, "following", before + block(PAGE, "python", 2).text)
    assert told.startswith("told ")
    installation.terminal.run(".venv/bin/horolog job delete failing --yes")


def test_output_is_told_to_who_follows_it(installation: Installation) -> None:
    before = (
        "from horolog.client import command_job, connect\n\nhorolog = connect()\n"
        'job = horolog.create_job(command_job("telling", "0 0 0 1 1 *", "echo", "told while it goes on"))\n'
        "execution = horolog.trigger_job(job.id)\n"
    )
    assert printed(installation, "output", before + block(PAGE, "python", 3).text) == "told while it goes on\n"
    installation.terminal.run(".venv/bin/horolog job delete telling --yes")


def test_function_of_somebodys_own_is_run_by_its_worker(installation: Installation) -> None:
    shell = installation.terminal
    (shell.folder / "closing.py").write_text(block(PAGE, "python", 4).text + BOOKS, encoding="utf-8")
    shell.run("PROMETHEUS_PORT=0 .venv/bin/horolog worker run closing &")
    calling = (
        "from horolog.client import connect, function_job\n\nhorolog = connect()\n"
        'job = horolog.create_job(function_job("closing", "0 0 0 1 1 *", "billing.close_month", {"region": "eu"}))\n'
        "ended = horolog.wait_for_execution(horolog.trigger_job(job.id).id, timeout_s=60)\n"
        "print(ended.status, ended.result)\n"
    )
    assert printed(installation, "closed", calling) == "completed {'closed': 2}\n"


def test_commands_are_written_to_topics_and_events_read_from_them(installation: Installation) -> None:
    before = f'import asyncio\nimport sys\n\ntenant_id, url = "{TENANT}", "http://127.0.0.1:1/"\n'
    before += UNTIL_THE_FIRST.format(beginning='"[]"')
    awaited = f"async def main():\n{textwrap.indent(block(PAGE, 'python', 5).text, '    ')}\nasyncio.run(main())\n"
    told = printed(installation, "topics", before + awaited)
    assert told.startswith("told ")
    assert "NETWORK_ERROR" in told
