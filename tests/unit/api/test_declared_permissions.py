"""Every route of the application itself, documented or not, says who may use it; whatever says nothing fails here."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Router

from services.api.context import Allowed
from services.api.permissions import ROLES, Permission
from services.api.ports import OPEN_PATHS, OPEN_SUBMISSIONS, Headers, Principal
from tests.unit.api.contract import operations
from tests.unit.api.samples import BY_ID, Sample
from tests.unit.api.world import API, JOB, OURS, UNKNOWN, World, open_world

ANY_CALLER = {"/openapi.json"}
"""Addresses that tell every recognised caller the same, of nobody."""
JUDGES_ONLY = {f"{API}/jobs/validate", f"{API}/jobs/{{job_id}}/validate"}
"""Documented with POST, but nothing is written by them."""
WRITING = [
    (method, path)
    for method, path in operations()
    if method != "GET" and path not in JUDGES_ONLY | OPEN_SUBMISSIONS and not path.startswith("/internal")
]


def leaves(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    """All routes, those of included routers as well."""
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from leaves(inner)
        else:
            yield route


def declared(dependant: Dependant) -> list[Permission]:
    """The permissions that a route demands, through whatever dependency."""
    own = [dependant.call.permission] if isinstance(dependant.call, Allowed) else []
    return own + [permission for inner in dependant.dependencies for permission in declared(inner)]


def undeclared(app: FastAPI) -> list[str]:
    """The routes that do not demand exactly one permission, though they are not open."""
    found = []
    for route in leaves(app.router.routes):
        path = getattr(route, "path", repr(route))
        if path in OPEN_PATHS | OPEN_SUBMISSIONS | ANY_CALLER:
            continue
        if not isinstance(route, APIRoute) or len(declared(route.dependant)) != 1:
            found.append(path)
    return found


async def test_every_route_declares_one_permission(world: World) -> None:
    paths = {getattr(route, "path", None) for route in leaves(world.app.router.routes)}
    assert {path for _, path in operations()} | ANY_CALLER == paths
    assert undeclared(world.app) == []


async def test_route_without_a_permission_would_be_seen(world: World) -> None:
    async def nothing() -> None: ...

    world.app.add_api_route("/api/v1/scheduler/forgotten", nothing)
    world.app.add_api_websocket_route("/api/v1/scheduler/socket", nothing)
    world.app.mount("/static", Router())
    assert undeclared(world.app) == [f"{API}/forgotten", f"{API}/socket", "/static"]


class Viewer:
    """Recognises everybody as somebody who may read."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "user:viewer", ROLES["viewer"])


@pytest.mark.parametrize(("method", "path"), WRITING)
async def test_whoever_may_only_read_changes_nothing(method: str, path: str) -> None:
    async with open_world(callers=Viewer()) as world:
        for sample in BY_ID.get((method, path), (Sample(JOB),)):
            place = path.format_map(_Unknown())
            answer = await world.client.request(method, place, json=sample.body, headers=sample.headers)
            assert answer.status_code == 403, place
        assert world.log.records == []


class _Unknown(dict[str, str]):
    """An unknown id in the place of every variable."""

    def __missing__(self, key: str) -> str:
        return UNKNOWN
