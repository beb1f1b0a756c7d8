"""`horolog doctor`: what is in order here, what is not, and what to do about it."""

import asyncio
import logging
import os
from dataclasses import asdict

import typer

from horolog.adapters.system import SystemClock
from horolog.cli.connection import connection
from horolog.cli.doctor import examine
from horolog.cli.doctor_findings import worst
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line
from horolog.cli.problems import OK, REFUSED


def register(app: typer.Typer) -> None:
    """Declare the command."""
    app.command("doctor", epilog="Example:  horolog doctor --json")(grouped(doctor))


def doctor(api: ApiOptions) -> int:
    """Check this machine and the services that the environment names; exit 1 if something fails."""
    # What the Kafka client has to say is in its exception, too.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    place = connection(api.url, api.token, os.environ)
    findings = asyncio.run(examine(place.url, os.environ, SystemClock()))
    if api.as_json:
        checks = [{name: value for name, value in asdict(found).items() if value} for found in findings]
        write_json({"state": worst(findings), "checks": checks})
    for found in () if api.as_json else findings:
        write_line(f"{found.state:<5} {found.check:<15} {found.found}")
        if found.advice:
            write_line(f"      → {found.advice}")
    return REFUSED if worst(findings) == "fail" else OK
