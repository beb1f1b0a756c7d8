"""The Python client of a Horolog system: its REST API, and its topics.

    from horolog.client import Client, function_job

    with Client("http://127.0.0.1:3009", token) as horolog:
        job = horolog.create_job(function_job("month end", "0 0 2 1 * *", "billing.close_month"))

`Client` blocks, `AsyncClient` awaits; both make the same calls, which are described once and do no I/O themselves:

- `wire`        requests, what came of them, and the steps of a call
- `exchange`    one request with its answer: repeated where that is safe, read or raised
- `tokens`      by what authority calls are made
- `errors`      what a call may end in instead of an answer
- `jobs`, `executions`   the calls
- `operations`  the methods that both clients have
- `steps`       going through the steps, by httpx
- `following`, `server_events`   the API's streams, and going on where one broke off; `run_output` that of a run
- `clients`     the clients themselves
- `producer`, `consumer`, `topics`   commands to the topics, and events from them

Names are loaded when they are first used: whoever only calls the API need not wait for what reads topics.

Guarantee: a change that is asked for once is made at most once, whatever is lost on the way.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from horolog.client.calls import Wish
    from horolog.client.clients import AsyncClient, Client, ClientSettings, connect, connect_async
    from horolog.client.consumer import Event, EventConsumer, Position, Undecodable
    from horolog.client.errors import (
        Conflict,
        EventsGone,
        ExecutionNotFound,
        HorologError,
        Invalid,
        JobAlreadyRunning,
        JobNotFound,
        LimitReached,
        NoAnswer,
        NotAllowed,
        NotAuthenticated,
        NotFound,
        NotTheApi,
        Refused,
        StillGoing,
        Unavailable,
        Unreachable,
        VersionConflict,
    )
    from horolog.client.exchange import Patience
    from horolog.client.executions import ExecutionFilter, Output, output_of
    from horolog.client.following import EventFilter, StreamEvent
    from horolog.client.jobs import JobFilter, command_job, definition_of, function_job, http_job
    from horolog.client.producer import EventProducer, NotSendable, Sender
    from horolog.client.run_output import OutputEvent
    from horolog.client.tokens import ServiceToken, SignIn, Token
    from horolog.client.topics import command_seals, open_topics

__all__ = [
    "AsyncClient",
    "Client",
    "ClientSettings",
    "Conflict",
    "Event",
    "EventConsumer",
    "EventFilter",
    "EventProducer",
    "EventsGone",
    "ExecutionFilter",
    "ExecutionNotFound",
    "HorologError",
    "Invalid",
    "JobAlreadyRunning",
    "JobFilter",
    "JobNotFound",
    "LimitReached",
    "NoAnswer",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotSendable",
    "NotTheApi",
    "Output",
    "OutputEvent",
    "Patience",
    "Position",
    "Refused",
    "Sender",
    "ServiceToken",
    "SignIn",
    "StillGoing",
    "StreamEvent",
    "Token",
    "Unavailable",
    "Undecodable",
    "Unreachable",
    "VersionConflict",
    "Wish",
    "command_job",
    "command_seals",
    "connect",
    "connect_async",
    "definition_of",
    "function_job",
    "http_job",
    "open_topics",
    "output_of",
]
_HOMES = {
    "calls": ("Wish",),
    "clients": ("AsyncClient", "Client", "ClientSettings", "connect", "connect_async"),
    "consumer": ("Event", "EventConsumer", "Position", "Undecodable"),
    "errors": (
        "Conflict",
        "EventsGone",
        "ExecutionNotFound",
        "HorologError",
        "Invalid",
        "JobAlreadyRunning",
        "JobNotFound",
        "LimitReached",
        "NoAnswer",
        "NotAllowed",
        "NotAuthenticated",
        "NotFound",
        "NotTheApi",
        "Refused",
        "StillGoing",
        "Unavailable",
        "Unreachable",
        "VersionConflict",
    ),
    "exchange": ("Patience",),
    "executions": ("ExecutionFilter", "Output", "output_of"),
    "following": ("EventFilter", "StreamEvent"),
    "jobs": ("JobFilter", "command_job", "definition_of", "function_job", "http_job"),
    "producer": ("EventProducer", "NotSendable", "Sender"),
    "run_output": ("OutputEvent",),
    "tokens": ("ServiceToken", "SignIn", "Token"),
    "topics": ("command_seals", "open_topics"),
}
"""Module → the names that are found there."""


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
