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
- `clients`     going through the steps, by httpx
- `producer`, `consumer` commands to the topics, and events from them

Guarantee: a change that is asked for once is made at most once, whatever is lost on the way.
"""

from horolog.client.calls import Wish
from horolog.client.clients import AsyncClient, Client, ClientSettings, connect, connect_async
from horolog.client.errors import (
    Conflict,
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
from horolog.client.jobs import JobFilter, command_job, definition_of, function_job, http_job
from horolog.client.tokens import ServiceToken, SignIn, Token

__all__ = [
    "AsyncClient",
    "Client",
    "ClientSettings",
    "Conflict",
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
    "NotTheApi",
    "Output",
    "Patience",
    "Refused",
    "ServiceToken",
    "SignIn",
    "StillGoing",
    "Token",
    "Unavailable",
    "Unreachable",
    "VersionConflict",
    "Wish",
    "command_job",
    "connect",
    "connect_async",
    "definition_of",
    "function_job",
    "http_job",
    "output_of",
]
