"""`horolog job resume --preview`: what a resume would do, told before anything is changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from horolog.cli.client import open_client
from horolog.cli.job_naming import job_id_of
from horolog.cli.options import ApiOptions
from horolog.cli.output import write_json, write_line
from horolog.cli.problems import OK


def show_preview(job: str, api: ApiOptions) -> int:
    """Show what a resume would do now, without and with catching up."""
    with open_client(api) as client:
        told = client.get(f"/jobs/{job_id_of(client, job)}/resume-preview")
    if api.as_json:
        write_json(told)
        return OK
    for line in _lines(told):
        write_line(line)
    return OK


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    without, with_ = told["withoutCatchUp"], told["withCatchUp"]
    if without is None or with_ is None:
        yield f"The job is {told['status']}: a resume changes nothing."
        return
    yield f"resume             in force from {without['inForceFrom']}; nothing before it fires"
    yield f"resume --catch-up  in force from {with_['inForceFrom']}; {with_['instantCount']} instants until now"
    if with_["missedCount"]:
        yield f"  missed     {with_['missedCount']}, from {with_['missedFrom']} to {with_['missedUntil']}"
    if with_["lateCount"]:
        pace = "" if with_["rate"] is None else f" at {with_['rate']:g} a second"
        yield f"  fire late  {with_['lateCount']}{pace}, the last not before {with_['lateUntil']}"
    for fire in with_["late"]:
        yield "    " + "  ".join(filter(None, (fire["at"], fire["localTime"], fire["dst"])))
    if with_["lateCount"] > len(with_["late"]):
        yield f"    and {with_['lateCount'] - len(with_['late'])} more"
    if with_["promptCount"]:
        yield f"  fire now   {with_['promptCount']}, those of the last minute"
    if told["runsLeft"] is not None:
        yield f"  maxExecutions allows {told['runsLeft']} more runs"
