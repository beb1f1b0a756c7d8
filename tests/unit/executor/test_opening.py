"""Secrets are opened for the attempt alone: in its own place, at the last moment, and out of its report."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from horolog.domain.sensitive import MASK, Slot
from horolog.vault.places import job_place
from schemas.events.workers import TaskAssigned
from schemas.jobs import CommandConfig, ErrorType, FunctionConfig, HttpConfig, JobConfig
from services.executor.opening import Opener, OpeningRunner
from services.executor.outcome import Outcome
from services.executor.runner import Stop, Warmth, Watcher
from tests.contract.vault.memory import MemoryVault
from tests.integration.executor.watching import JOB_ID, TENANT_ID, Watching, failure_of, task_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HUSH = "hush-9f2c7a"
OTHER = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"


@dataclass
class EchoRunner:
    """Succeeds at once with the config that it was given; or fails, or goes on until it is stopped."""

    capacity: int = 10
    warmth: Warmth | None = None
    error: OSError | None = None
    endless: bool = False
    started: list[TaskAssigned] = field(default_factory=list)
    traces: list[str | None] = field(default_factory=list)
    is_closed: bool = False

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        self.started.append(task)
        self.traces.append(watcher.traceparent)
        if self.error is not None:
            raise self.error
        if not self.endless:
            watcher.ended(Outcome(result=task.config.to_dict()))
        return lambda _: watcher.ended(Outcome(result=task.config.to_dict()))

    async def close(self) -> None:
        self.is_closed = True


async def sealed(vault: MemoryVault, part: str, name: str, value: JsonValue, **place: str) -> str:
    """The ciphertext of a value, for the place that tasks of these tests have or for another."""
    key = await vault.sealing_key(TENANT_ID)
    where = {"tenant_id": TENANT_ID, "job_id": JOB_ID, **place}
    return key.seal(value, job_place(where["tenant_id"], where["job_id"], Slot(part, name)))


async def ended(vault: MemoryVault | None, config: Any, runner: EchoRunner | None = None) -> tuple[Outcome, EchoRunner]:
    """How an attempt with that config ends."""
    runner, watching = runner or EchoRunner(), Watching()
    OpeningRunner(runner, Opener(vault, vault)).start(task_of(config), watching)
    return await watching.end(), runner


def http(**headers: str) -> HttpConfig:
    """A request with these headers."""
    return HttpConfig(url="https://x", method="GET", headers={n.replace("_", "-"): v for n, v in headers.items()})


async def test_attempt_with_secrets_is_told_of_its_trace_as_any_other_is() -> None:
    vault, runner, watching = MemoryVault(), EchoRunner(), Watching()
    watching.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    variable = await sealed(vault, "environment", "A", HUSH)
    config = CommandConfig(command="true", environment={"A": variable})
    OpeningRunner(runner, Opener(vault, vault)).start(task_of(config), watching)
    await watching.end()
    assert runner.traces == [watching.traceparent]


async def test_every_part_is_opened_for_the_runner_and_scrubbed_from_the_outcome() -> None:
    vault = MemoryVault()
    env = CommandConfig(command="env", environment={"A": await sealed(vault, "environment", "A", HUSH)})
    sent = HttpConfig(url="https://x", method="GET", body=await sealed(vault, "body", "", {"pin": [HUSH]}))
    call = FunctionConfig(
        module_path="m", function_name="f", parameters={"p": await sealed(vault, "parameters", "p", {"x": HUSH})}
    )
    for config in (env, sent, call, http(Authorization=await sealed(vault, "headers", "Authorization", HUSH))):
        outcome, runner = await ended(vault, config)
        assert HUSH in str(runner.started[0].config)
        assert "enc:v1:" not in str(runner.started[0].config)
        assert outcome.failure is None
        assert HUSH not in str(outcome)
        assert MASK in str(outcome.result)


async def test_reference_is_resolved_when_the_attempt_runs() -> None:
    vault = MemoryVault()
    await vault.put_secret(TENANT_ID, "billing", HUSH, NOON)
    opened = await sealed(vault, "headers", "X-Two", "id secret://billing")
    outcome, runner = await ended(vault, http(Authorization="Bearer secret://billing", X_Two=opened))
    config = runner.started[0].config
    assert isinstance(config, HttpConfig)
    assert config.headers == {"Authorization": f"Bearer {HUSH}", "X-Two": f"id {HUSH}"}
    assert HUSH not in str(outcome)


@pytest.mark.parametrize("place", [{"tenant_id": OTHER}, {"job_id": OTHER}])
async def test_ciphertext_of_another_tenant_or_job_ends_the_attempt_for_good(place: dict[str, str]) -> None:
    vault = MemoryVault()
    outcome, runner = await ended(vault, http(Cookie=await sealed(vault, "headers", "Cookie", HUSH, **place)))
    found = failure_of(outcome)
    assert (found.type, found.code, found.retryable) == (ErrorType.VALIDATION_ERROR, "SECRET_UNREADABLE", False)
    assert (runner.started, HUSH in str(outcome)) == ([], False)


async def test_ciphertext_of_another_field_does_not_open() -> None:
    vault = MemoryVault()
    outcome, _ = await ended(vault, http(Accept=await sealed(vault, "headers", "Cookie", HUSH)))
    assert failure_of(outcome).code == "SECRET_UNREADABLE"


async def test_missing_erased_unusable_and_unreachable_are_told_apart() -> None:
    vault = MemoryVault()
    told = list[tuple[str, bool | None]]()
    header = await sealed(vault, "headers", "Cookie", HUSH)
    await vault.put_secret(TENANT_ID, "lines", "two\nlines", NOON)
    for config in (http(Cookie="secret://none"), http(Cookie="secret://lines")):
        outcome, runner = await ended(vault, config)
        told.append((failure_of(outcome).code, failure_of(outcome).retryable))
        assert runner.started == []
    vault.is_away = True
    told.append((failure_of((await ended(vault, http(Cookie=header)))[0]).code, None))
    vault.is_away = False
    await vault.erase(TENANT_ID, NOON)
    outcome, _ = await ended(vault, http(Cookie=header))
    told.append((failure_of(outcome).code, failure_of(outcome).retryable))
    told.append((failure_of((await ended(None, http(Cookie=header)))[0]).code, None))
    assert told == [
        ("SECRET_MISSING", False),
        ("SECRET_UNUSABLE", False),
        ("VAULT_UNAVAILABLE", None),
        ("KEY_ERASED", False),
        ("VAULT_UNAVAILABLE", None),
    ]


async def test_missing_secret_is_named() -> None:
    assert "'none'" in failure_of((await ended(MemoryVault(), http(Cookie="secret://none")))[0]).message


async def test_what_has_no_secrets_starts_at_once_and_never_asks_the_vault() -> None:
    vault, runner = MemoryVault(), EchoRunner()
    plain: list[JobConfig] = [
        HttpConfig(url="https://x", method="GET", headers={"Accept": "*/*"}, body={"a": 1}),
        FunctionConfig(module_path="m", function_name="f", parameters={"text": "t"}),
        CommandConfig(command="true"),
    ]
    for config in plain:
        OpeningRunner(runner, Opener(vault, vault)).start(task_of(config), Watching())
        assert runner.started[-1].config is config
    assert vault.asked_count == 0


async def test_plain_secret_of_an_old_job_is_scrubbed_without_the_vault() -> None:
    outcome, runner = await ended(None, http(Authorization=f"Bearer {HUSH}"))
    assert HUSH in str(runner.started[0].config)
    assert HUSH not in str(outcome)


async def test_attempt_that_is_stopped_before_it_is_opened_ends_once_and_never_runs() -> None:
    vault, runner, watching = MemoryVault(), EchoRunner(), Watching()
    config = http(Cookie=await sealed(vault, "headers", "Cookie", HUSH))
    opening = OpeningRunner(runner, Opener(vault, vault))
    stop = opening.start(task_of(config), watching)
    stop(1.0)
    stop(0.0)
    assert (failure_of(await watching.end()).code, runner.started) == ("STOPPED", [])
    await opening.close()
    assert runner.is_closed


async def test_running_attempt_is_stopped_and_its_last_words_are_scrubbed() -> None:
    vault, runner, watching = MemoryVault(), EchoRunner(endless=True), Watching()
    config = http(Cookie=await sealed(vault, "headers", "Cookie", HUSH))
    opening = OpeningRunner(runner, Opener(vault, vault))
    stop = opening.start(task_of(config), watching)
    while not runner.started:
        await asyncio.sleep(0)
    stop(0.0)
    assert HUSH not in str(await watching.end())


async def test_attempt_that_cannot_be_started_says_so_without_its_secrets() -> None:
    vault = MemoryVault()
    config = http(Cookie=await sealed(vault, "headers", "Cookie", HUSH))
    outcome, _ = await ended(vault, config, EchoRunner(error=OSError(f"no room for {HUSH}")))
    assert (failure_of(outcome).code, HUSH in str(outcome)) == ("START_FAILED", False)
