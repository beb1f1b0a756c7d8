"""The load of a round: jobs of three types and four tenants that fire each second, and a client that triggers one more.

The schedules end at a given second, so that a machine that is too slow for the load has an end to its backlog. The
client goes on through every fault and notes each answer. No answer counts as an unknown outcome.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.campaign.evidence import Request
from tests.campaign.system import SERVICE_TOKEN, TENANTS, TOKENS, System
from tests.campaign.targets import command_job, function_job, http_job

PREFIX = "/api/v1/scheduler"
REQUEST_S_MAX = 15.0
ANSWER_S_MAX = 60.0
PAUSE_S = 0.5
PARALLEL_COUNT = 6
BATCH_COUNT = 100
EACH_SECOND = {
    "cronExpression": "* * * * * *",
    "maxConcurrent": 500,
    "retryConfig": {"maxRetries": 20, "retryDelayMs": 500, "exponentialBackoff": False},
}
NEVER_SOON = {**EACH_SECOND, "cronExpression": "0 0 0 1 1 *"}


@dataclass(frozen=True, slots=True)
class Load:
    """The jobs that fire each second, up to `end_s`; and the one that is triggered."""

    jobs: Sequence[str]
    triggered: str
    end_s: int


def create(system: System, name: str, count: int, end_s: int) -> Load:
    """Create the jobs; returns when all are in force."""
    end_date = {"endDate": (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=end_s)).isoformat()}
    bodies = [(TENANTS[number % len(TENANTS)], _body(system, name, number) | end_date) for number in range(count)]
    with ThreadPoolExecutor(PARALLEL_COUNT) as pool:
        jobs = list(pool.map(lambda job: _created(system, *job), bodies))
    quiet = {"name": f"{name} triggered", **NEVER_SOON, **http_job(system.ports[-1])}
    return Load(jobs, _created(system, TENANTS[0], quiet), end_s)


def herd(system: System, name: str, cron: str, count: int) -> None:
    """Create so many function jobs that fire at the same instants.

    Raises:
        RuntimeError: not all were created.
    """
    work = function_job(system.marks, 0.0)
    bodies = [{**EACH_SECOND, **work, "name": f"{name} {n}", "cronExpression": cron} for n in range(count)]
    headers = {"X-Service-Token": SERVICE_TOKEN}
    with httpx.Client(base_url=_url(system, 0), timeout=ANSWER_S_MAX, trust_env=False, headers=headers) as http:
        for index, first in enumerate(range(0, count, BATCH_COUNT)):
            tenant = {"X-Tenant-Id": TENANTS[index % len(TENANTS)]}
            body = {"jobs": bodies[first : first + BATCH_COUNT]}
            answer = http.post("/internal/jobs/batch-create", json=body, headers=tenant)
            if answer.status_code != httpx.codes.OK or answer.json()["data"]["failedCount"]:
                raise RuntimeError(f"jobs were not created: {answer.status_code} {answer.text[:500]}")


def is_healthy(system: System) -> bool:
    """Whether every copy of the API finds everything in order."""
    try:
        bodies = [httpx.get(f"{_url(system, number)}/health", trust_env=False).json() for number in (0, 1)]
    except httpx.TransportError:
        return False
    return all(
        body["status"] == "healthy"
        and body["dependencies"]["services"]["executor"] == body["dependencies"]["redis"] == "healthy"
        for body in bodies
    )


@dataclass(slots=True)
class Client:
    """Triggers a job again and again, in a thread of its own, at both copies of the API in turn."""

    system: System
    job_id: str
    name: str
    requests: list[Request] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin to ask."""
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> Sequence[Request]:
        """Ask no more; everything that was asked."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        return self.requests

    def _ask(self) -> None:
        number = 0
        while not self._over.wait(PAUSE_S):
            number += 1
            self.requests.append(self._trigger(number))

    def _trigger(self, number: int) -> Request:
        key = f"{self.name}-{number}"
        headers = {**_authorized(TENANTS[0]), "Idempotency-Key": key}
        url = f"{_url(self.system, number % 2)}{PREFIX}/jobs/{self.job_id}/trigger"
        try:
            answer = httpx.post(url, headers=headers, timeout=REQUEST_S_MAX, trust_env=False)
        except httpx.TransportError:
            return Request(key, None)
        return Request(key, answer.status_code, str(answer.json().get("id", "")) if answer.is_success else "")


def _body(system: System, name: str, number: int) -> dict[str, Any]:
    work = (http_job(system.ports[-1]), function_job(system.marks), command_job(system.marks))[number // 4 % 3]
    return {"name": f"{name} {number}", **EACH_SECOND, **work}


def _created(system: System, tenant: str, body: dict[str, Any]) -> str:
    """Create a job; asked again while the owner of the partition is slow to answer, it is one request all the same."""
    headers = {**_authorized(tenant), "Idempotency-Key": body["name"].replace(" ", "-")}
    deadline = time.monotonic() + ANSWER_S_MAX
    while True:
        answer = httpx.post(
            f"{_url(system, 0)}{PREFIX}/jobs", json=body, headers=headers, timeout=REQUEST_S_MAX, trust_env=False
        )
        if answer.is_success:
            return str(answer.json()["id"])
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            raise RuntimeError(f"a job was not created: {answer.status_code} {answer.text[:500]}")


def _authorized(tenant: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[tenant]}"}


def _url(system: System, number: int) -> str:
    return f"http://127.0.0.1:{system.services.api_ports[number]}"
