"""A level counts as reached only when a trial run has ended, and was seen to be kept apart."""

import errno
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.events.executions import Failure
from schemas.events.workers import Resource
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig, Network
from services.executor.guard import IsolationGuard, RequestGuard
from services.executor.processes import Ended, Program
from services.executor.trial import TRIAL_PROCESS_COUNT, Way, bound_shortcoming, shortcoming
from tests.integration.executor.watching import task_of

APART = {
    "uid": 200_007,
    "groups": [],
    "capabilities": 0,
    "no_new_privileges": 1,
    "has_filter": True,
    "pids": [1, 2],
    "is_tmp_own": True,
    "writable": [],
    "home": True,
    "variables": ["HOME", "PATH"],
    "has_route": False,
    "is_told": True,
}
BEST = Way(Isolation.NAMESPACES, range(200_000, 200_010))


@dataclass(frozen=True, slots=True)
class End:
    """How a program of the fake ends."""

    exit_code: int | None = 0
    problem: str | None = None
    problem_errno: int = 0
    memory_peak_mb: int | None = None
    cpu_time_ms: int | None = None
    is_out_of_memory: bool = False


class Answering:
    """Processes that write this answer and end in this way."""

    def __init__(self, end: End, answer: str) -> None:
        self._end, self._answer = end, answer

    def start(self, program: Program, files: Sequence[int], on_end: Callable[[Ended], None]) -> Callable[[float], None]:
        os.write(files[0], self._answer.encode())
        on_end(self._end)
        return lambda _: None

    async def close(self) -> None: ...


async def _wrong(way: Way = BEST, **seen: Any) -> str | None:
    return await shortcoming(Answering(End(), json.dumps(APART | seen)), way, {})


async def test_a_run_that_is_kept_apart_is_found_to_be() -> None:
    assert await _wrong() is None


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"uid": 200_010}, "account"),
        ({"groups": [0]}, "groups"),
        ({"capabilities": 1}, "privileges"),
        ({"no_new_privileges": 0}, "gain privileges"),
        ({"pids": [1, 2, 3]}, "processes"),
        ({"has_filter": False}, "make namespaces"),
        ({"is_tmp_own": False}, "temporary files"),
        ({"writable": ["/usr"]}, "write to the machine's"),
        ({"home": False}, "cannot write"),
        ({"variables": ["DATABASE_URL"]}, "variables"),
        ({"is_told": False}, "variables"),
    ],
)
async def test_each_broken_promise_is_seen(seen: dict[str, Any], words: str) -> None:
    assert words in (await _wrong(**seen) or "")


async def test_less_is_demanded_of_less() -> None:
    same = {"uid": os.getuid(), "pids": list(range(100)), "is_tmp_own": False, "writable": ["/usr"], "capabilities": 1}
    assert await _wrong(Way(Isolation.PROCESS), **same) is None


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (End(None, "box", errno.EPERM), "the step box failed: Operation not permitted"),
        (End(1), "a trial run failed"),
    ],
)
async def test_a_run_that_fails_says_at_which_step(end: End, words: str) -> None:
    assert words in (await shortcoming(Answering(end, "no"), BEST, {}) or "")


CONTAINED = Way(Isolation.CONTAINER, range(200_000, 200_010))


@pytest.mark.parametrize(
    ("seen", "words"), [({"uid": 0}, "account"), ({"has_route": True}, "network"), ({"writable": ["/"]}, "write to")]
)
async def test_a_container_is_held_to_more(seen: dict[str, Any], words: str) -> None:
    assert words in (await _wrong(CONTAINED, **seen) or "")
    assert await _wrong(CONTAINED, variables=["PYTHON_VERSION"]) is None
    assert "root" in (await _wrong(Way(Isolation.CONTAINER), uid=0) or "")


HELD = {"count": TRIAL_PROCESS_COUNT - 1, "work_s": 0.2}
KILLED = End(-9, is_out_of_memory=True)


async def _unbounded(end: End = KILLED, *resources: str, **took: Any) -> str | None:
    return await bound_shortcoming(Answering(end, json.dumps(HELD | took)), BEST, resources or tuple(Resource))


async def test_bounds_that_hold_are_found_to() -> None:
    assert await _unbounded() is None


@pytest.mark.parametrize(
    ("end", "took", "words"),
    [
        (KILLED, {"count": 16}, "processes"),
        (KILLED, {"work_s": 0.061}, "cores"),
        (End(0), {}, "memory"),
        (End(-9), {}, "memory"),
        (End(None, "group", errno.EACCES), {}, "the step group failed"),
    ],
)
async def test_each_bound_that_does_not_hold_is_seen(end: End, took: dict[str, Any], words: str) -> None:
    assert words in (await _unbounded(end, **took) or "")


async def test_what_is_not_said_to_be_bounded_is_not_held_to_be() -> None:
    assert await _unbounded(End(0), "processes", work_s=0.061) is None


async def test_a_trial_of_bounds_that_says_nothing_proves_nothing() -> None:
    assert "no" in (await bound_shortcoming(Answering(End(1), "no"), BEST, ("memory",)) or "")


def _refusal(reached: Isolation, **config: Any) -> Failure | None:
    return IsolationGuard(reached, RequestGuard()).refusal(task_of(CommandConfig(command="true", **config)))


def test_an_attempt_that_demands_more_than_its_worker_reaches_does_not_begin() -> None:
    for config in ({"isolation": Isolation.NAMESPACES}, {"network": Network.NONE}, {"isolation": Isolation.CONTAINER}):
        refused = _refusal(Isolation.PROCESS, **config)
        assert refused is not None
        assert refused.code == "ISOLATION_NOT_REACHED"
    named = _refusal(Isolation.NAMESPACES, image="tools")
    assert named is not None
    assert named.code == "ISOLATION_NOT_REACHED"
    assert _refusal(Isolation.NAMESPACES, isolation=Isolation.NAMESPACES, network=Network.NONE) is None
    assert _refusal(Isolation.PROCESS) is None


def test_an_image_that_the_worker_was_not_given_is_refused() -> None:
    guard = IsolationGuard(Isolation.CONTAINER, RequestGuard(), ("horolog:1", "tools"))
    refused = guard.refusal(task_of(CommandConfig(command="true", image="elsewhere/miner")))
    assert refused is not None
    assert refused.code == "IMAGE_NOT_ALLOWED"
    assert guard.refusal(task_of(CommandConfig(command="true", image="tools"))) is None
