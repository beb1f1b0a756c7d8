"""Requests made from the API's own document, as it allows them and as it does not: each is answered as it says."""

import asyncio
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from tests.fuzz import CASES
from tests.unit.api.contract import ENDING, check_answer, document
from tests.unit.api.world import OUR_TOKEN, SERVICE_TOKEN, World, open_world

Operation = Any
Case = Any
KNOWN_SHARE = 0.7
"""So many of the paths name a job or an execution that is there; the others lead to nothing."""
NOT_SENT = frozenset({"connection", "host", "content-length", "transfer-encoding", "authorization", "x-service-token"})


@cache
def operations() -> list[Operation]:
    """What the document describes."""
    found = schemathesis.openapi.from_dict(document()).get_all_operations()
    return [one.ok() for one in found if isinstance(one, Ok)]


@cache
def _kinds() -> list[Any]:
    """Each operation with requests that its document allows, and, if it says anything of them, with others."""
    kinds = []
    for operation in operations():
        described = document()["paths"][operation.path][operation.method]
        says_something = described.get("parameters") or described.get("requestBody")
        modes = GenerationMode if says_something else (GenerationMode.POSITIVE,)
        kinds += [pytest.param(operation, mode, id=f"{operation.label} {mode.value}") for mode in modes]
    return kinds


class Player:
    """One API, and its answers to what is made up."""

    def __init__(self, runner: asyncio.Runner, world: World, known: dict[str, list[str]]) -> None:
        self._runner = runner
        self._world = world
        self._known = known

    def play(self, case: Case, choice: int) -> None:
        """Send it; the answer is one that the document describes."""
        sent = case.as_transport_kwargs(base_url="http://api.test")
        path = self._aimed(case, sent["url"], choice)
        headers = {name: value for name, value in sent["headers"].items() if name.lower() not in NOT_SENT}
        internal = case.operation.path.startswith("/internal")
        headers |= {"X-Service-Token": SERVICE_TOKEN} if internal else {"Authorization": f"Bearer {OUR_TOKEN}"}
        content = {"json": sent["json"]} if "json" in sent else {"content": sent.get("data", b"")}
        params = {**(sent.get("params") or {}), **ENDING.get(case.operation.path, {})} or None
        try:
            request = self._world.client.build_request(case.method, path, params=params, headers=headers, **content)
        except (ValueError, TypeError, httpx.InvalidURL):
            # The client itself refuses to send it.
            return
        answer = self._runner.run(self._world.client.send(request))
        assert answer.status_code < 500, answer.text
        check_answer(answer)
        assert OUR_TOKEN not in answer.text

    def _aimed(self, case: Case, url: str, choice: int) -> str:
        random = Random(choice)
        template = case.operation.path
        if "{" not in template or random.random() > KNOWN_SHARE:
            return url
        names = {name: random.choice(self._known[name]) for name in self._known if f"{{{name}}}" in template}
        path: str = template.format_map({**(case.path_parameters or {}), **names})
        return f"http://api.test{path}"


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """An API with a few jobs that have run."""
    with asyncio.Runner() as runner:
        context = open_world()
        world = runner.run(context.__aenter__())
        try:
            jobs = [runner.run(world.created(name=f"job {n}"))["id"] for n in range(3)]
            started = [runner.run(world.ask("POST", f"/jobs/{job}/trigger")).json() for job in jobs]
            executions = [answer["executionId"] for answer in started if "executionId" in answer]
            known = {"job_id": jobs, "execution_id": executions or jobs, "command_id": jobs}
            yield Player(runner, world, known)
        finally:
            runner.run(context.__aexit__(None, None, None))


@pytest.mark.parametrize(("operation", "mode"), _kinds())
def test_whatever_is_sent_is_answered_as_the_document_says(
    player: Player, operation: Operation, mode: GenerationMode
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode), choice=st.integers(0, 2**32))
    @settings(
        max_examples=max(1, CASES // len(_kinds())),
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    def play(case: Case, choice: int) -> None:
        player.play(case, choice)

    play()
