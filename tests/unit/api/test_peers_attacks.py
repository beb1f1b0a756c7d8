"""What was done to other schedulers through their APIs, done here: each attack by the number that it is known by."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

import pytest

from horolog.runtime.settings_error import SettingsError
from schemas.events.workers import SYSTEM_TENANT
from services.api.permissions import ROLES
from services.api.ports import OPEN_SUBMISSIONS, Headers, Principal
from services.api.settings import from_environment
from tests.unit.api.contract import ENDING, document, operations
from tests.unit.api.samples import BY_ID, CANARY, RULES, place, token_for
from tests.unit.api.test_tenant_walls import READING, ours, place_theirs, send, whole
from tests.unit.api.world import (
    API,
    JOB,
    OUR_TOKEN,
    OURS,
    SERVICE_TOKEN,
    THEIR_TOKEN,
    THEIRS,
    UNKNOWN,
    World,
    open_world,
)

OPEN = {"/health", "/internal/health"}
CLOSED = sorted({path for _, path in operations() if path not in OPEN})
ENDINGS = ("health", "ready", "readiness", "live", "configs", "docs", "metrics", "openapi.json", "login", "favicon.ico")
SPELLINGS = (
    *("//internal/health", "/internal//health", "/internal/health/", "/health/", "/health/.", "/health;/", "/Health"),
    *("/..;/health", "/..;/internal/health", "/health/..;/api/v1/scheduler/jobs", "/health/../api/v1/scheduler/jobs"),
    *("/internal/health/../jobs/create", "/health%2f..%2fapi%2fv1%2fscheduler%2fjobs", "/%2e/health", "/health%00"),
    *(
        "/health%23",
        "/health%3f",
        "/x/../health",
        "/./health",
        "/health\\",
        "/health%0d%0a",
        "/api/v1/scheduler/../../health",
    ),
)
INJECTIONS = (
    "'; drop table scheduled_jobs; --",
    "' or '1'='1",
    '" or ""="',
    "1) union select token from tokens --",
    "id; select pg_sleep(10)",
    "%' or tenant_id <> '",
    "${7*7}",
    "{{7*7}}",
    "$(id)",
    "\\x27",
    "{% print(7*7) %}",
    "={{ $json.constructor.constructor('return 7*7')() }}",
)


async def raw(world: World, method: str, path: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> int:
    """The status of a request whose path is sent as it is written here: no client tidies it up."""
    started = list[MutableMapping[str, Any]]()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"api.test"), *headers],
        "server": ("api.test", 80),
        "client": ("192.0.2.1", 1),
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send_(message: MutableMapping[str, Any]) -> None:
        started.append(message)

    await world.app(scope, receive, send_)
    return int(started[0]["status"])


async def test_no_ending_of_an_address_opens_it(world: World) -> None:
    """Kestra CVE-2026-53576 (`/configs` at the end skipped authentication) and Prefect CVE-2026-3514 (`health`)."""
    for path in CLOSED:
        for ending in ENDINGS:
            for spelling in (f"{path}/{ending}", f"{path}?x=/{ending}", f"{path};/{ending}", f"{path}%2f{ending}"):
                answer = await world.client.get(spelling)
                assert answer.status_code == 401, spelling
    for ending in ENDINGS:
        for prefix in (API, f"{API}/jobs", f"{API}/executions", "/internal/jobs", "/x"):
            assert [await raw(world, method, f"{prefix}/{ending}") for method in ("GET", "POST", "HEAD")] == [401] * 3
    assert world.log.records == []


@pytest.mark.parametrize("name", ENDINGS)
async def test_job_may_have_the_name_of_an_open_address_and_stays_closed(world: World, name: str) -> None:
    """Kestra CVE-2026-53576 and Prefect CVE-2026-3514: what a tenant names an object opens nothing."""
    job = await world.created(name=name)
    assert (await world.client.get(f"{API}/jobs/{job['id']}")).status_code == 401
    assert (await world.client.get(f"{API}/jobs/{name}")).status_code == 401
    assert (await world.ask("GET", f"/jobs/{job['id']}")).json()["name"] == name


@pytest.mark.parametrize("path", SPELLINGS)
async def test_no_spelling_of_an_open_address_opens_anything_else(world: World, path: str) -> None:
    """Kestra CVE-2026-53576 and Prefect CVE-2026-3514, by detours: `//`, `..;`, encoded dots and slashes, ends."""
    assert [await raw(world, method, path) for method in ("GET", "HEAD", "POST")] == [401, 401, 401]


async def test_header_that_renames_method_or_address_is_not_listened_to(world: World) -> None:
    """Kestra CVE-2026-53576's relatives: the address and method that are judged are those that are served."""
    job = await world.created()
    for name in (b"x-original-url", b"x-rewrite-url", b"x-forwarded-prefix", b"x-http-method-override", b"x-method"):
        for value in (b"/health", b"DELETE", b"GET"):
            assert await raw(world, "POST", f"{API}/jobs/{job['id']}/pause", ((name, value),)) == 401
            assert await raw(world, "GET", "/health", ((name, f"{API}/jobs".encode()),)) == 200
    answer = await world.ask("GET", f"/jobs/{job['id']}", headers={"X-HTTP-Method-Override": "DELETE"})
    assert (answer.status_code, len(world.log.commands)) == (200, 1)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "GET\x00"])
async def test_no_method_is_served_without_a_token(world: World, method: str) -> None:
    """Prefect CVE-2026-3514's relatives: methods that frameworks answer by themselves, before anybody asks who."""
    for path in CLOSED:
        assert await raw(world, method, path.replace("{", "").replace("}", "")) == 401, path
    # They are open to HEAD too, by which nothing is served but a word that there is GET only.
    expected = 405 if method == "HEAD" else 401
    assert [await raw(world, method, path) for path in sorted(OPEN)] == [expected] * 2


@pytest.mark.parametrize("path", ["/health", f"{API}/jobs", "/internal/jobs/create", "/", f"{API}/executions/health"])
async def test_websocket_is_closed_before_it_is_open(world: World, path: str) -> None:
    """Prefect CVE-2026-3514's relatives: a middleware that looks at HTTP only leaves WebSockets to whoever comes."""
    sent = list[MutableMapping[str, Any]]()
    reached = asyncio.Event()

    async def socket(_: object) -> None:
        reached.set()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    async def send_(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    world.app.router.add_websocket_route(path, socket)
    token = (b"authorization", f"Bearer {OUR_TOKEN}".encode())
    scope = {"type": "websocket", "path": path, "headers": [token], "query_string": b"", "subprotocols": []}
    await world.app(scope, receive, send_)
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert not reached.is_set()


@pytest.mark.parametrize(
    "token", ["", "default_token", "default-token-0123", "xxl-job", "change-me-please-1", "0" * 40]
)
def test_default_or_empty_token_of_services_stops_the_start(token: str) -> None:
    """XXL-JOB up to 2.4 (default and empty `accessToken`), and its executors that took runs from anybody."""
    with pytest.raises(SettingsError, match="INTERNAL_SERVICE_TOKEN"):
        from_environment({"INTERNAL_SERVICE_TOKEN": token})


async def test_nobody_is_believed_where_no_token_was_given(world: World) -> None:
    """Airflow CVE-2020-13927 (an API open to all by default) and XXL-JOB's empty token."""
    bare = from_environment({"INTERNAL_SERVICE_TOKEN": SERVICE_TOKEN})
    assert (bare.tokens, bare.auth, bare.host) == ((), None, "127.0.0.1")
    for headers in ({}, {"Authorization": "Bearer "}, {"X-Service-Token": ""}, {"Authorization": "Bearer null"}):
        for method, path in operations():
            if path not in OPEN | OPEN_SUBMISSIONS:
                assert (await world.client.request(method, path, headers=headers)).status_code == 401


async def test_job_of_another_tenant_is_not_deleted_by_its_id(world: World) -> None:
    """XXL-JOB CVE-2025-9264 (delete by a foreign id) and DolphinScheduler CVE-2026-41280."""
    job = await world.created()
    assert (await world.ask("DELETE", f"/jobs/{job['id']}", token=THEIR_TOKEN)).status_code == 404
    assert world.job(job["id"]).tenant_id == OURS


@pytest.mark.parametrize("field", ["childJobId", "dependsOn", "triggerJobIds", "executorAddress", "script", "alertUrl"])
async def test_job_cannot_name_another_job_or_a_place_of_the_scheduler(world: World, field: str) -> None:
    """XXL-JOB CVE-2024-42681 (child jobs of others) and CVE-2024-24113; PowerJob CVE-2025-14518: unknown is refused."""
    theirs = await world.created(token=THEIR_TOKEN)
    answer = await world.ask("POST", "/jobs", {**JOB, field: theirs["id"]})
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, field)


async def test_mark_up_in_a_name_is_data_of_a_type_that_no_browser_renders(world: World) -> None:
    """XXL-JOB CVE-2023-26120 (stored cross-site scripting)."""
    name = "<script>alert(1)</script>"
    job = await world.created(name=name)
    answer = await world.ask("GET", f"/jobs/{job['id']}")
    assert (answer.json()["name"], answer.headers["content-type"]) == (name, "application/json")
    for told in (answer, await world.ask("GET", "/jobs/x"), await world.client.get(f"{API}/jobs")):
        assert told.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("text", INJECTIONS)
async def test_text_of_a_tenant_is_never_run_filled_in_or_made_part_of_an_address(world: World, text: str) -> None:
    """Airflow CVE-2020-11978 and CVE-2022-40127 (commands in parameters and run ids), CVE-2024-39877 (templates in
    texts), DolphinScheduler CVE-2023-49299, n8n CVE-2025-68613 and CVE-2026-1470 (expressions in a workflow): texts
    come back as they were, and ids are never made from them."""
    function: dict[str, Any] = {"jobType": "function", "config": {"modulePath": "a", "functionName": "b"}}
    job = await world.created(name=text, description=text, tags=[text[:50]], **function)
    told = (await world.ask("GET", f"/jobs/{job['id']}")).json()
    assert (told["name"], told["description"], told["tags"]) == (text, text, [text[:50]])
    body = {"reason": text, "parameters": {"run_id": text, text: text}}
    run = await world.ask("POST", f"/jobs/{job['id']}/trigger", body, headers={"Idempotency-Key": "once"})
    assert run.status_code == 201
    assert text not in run.json()["id"]
    refused = await world.client.get(f"{API}/jobs/{text}", headers={"Authorization": f"Bearer {OUR_TOKEN}"})
    assert refused.status_code == 404


@pytest.mark.parametrize(("method", "path"), sorted(BY_ID))
async def test_secondary_operations_ask_whose_the_job_is_as_well(world: World, method: str, path: str) -> None:
    """DolphinScheduler CVE-2026-42357 (trigger, backfill, chart) and CVE-2026-47340, Rundeck CVE-2021-41111: the
    operations around an object check its owner like the object itself does."""
    sample = BY_ID[method, path][0]
    placed = await place(world, sample.paused)
    before = ours(world)
    address = path.format(**placed.ids)
    answer = await send(world, THEIRS, method, address, sample)
    assert answer.status_code == 404
    assert CANARY not in answer.text.replace(address, "")
    assert ours(world) == before


async def test_neither_code_nor_errors_of_another_tenants_job_are_shown(world: World) -> None:
    """Airflow CVE-2024-27906 (code and import errors of others' workflows, in lists and in details)."""
    placed, theirs = await place(world), await place_theirs(world)
    rows, id_ = world.read_model.executions_by_id, placed.ids["execution_id"]
    told = f"ModuleNotFoundError: {CANARY}"
    rows[id_] = replace(rows[id_], status="failed", error_message=told, error_stack=told, result=told)
    for method, path in READING:
        for ids in (theirs, placed.ids):
            answer = await send(world, THEIRS, method, whole(path).format(**ids))
            assert CANARY not in answer.text, path
    assert told in (await world.ask("GET", f"/executions/{id_}")).text


HOOK = {"type": "webhook", "url": "https://example.com/", "secret": "0123456789abcdef"}


@pytest.mark.parametrize(
    "channel",
    [
        *({"type": "script", "path": "/tmp/alert.sh"}, {"type": "command", "command": "/bin/sh"}, {"type": "http"}),
        *({**HOOK, "script": "/tmp/x"}, {**HOOK, "path": "/tmp/x"}, {"type": "service", "url": "https://example.com/"}),
        *({**HOOK, "url": place} for place in ("/bin/sh", "file:///etc/passwd", "unix:///run/x", "gopher://x/_x")),
    ],
)
async def test_notification_names_no_program_no_file_and_no_socket(world: World, channel: dict[str, Any]) -> None:
    """DolphinScheduler CVE-2024-43115 (an alert ran the script whose path its user had given)."""
    answer = await world.ask("POST", RULES, {"name": "told", "kinds": ["failed"], "channel": channel})
    assert (answer.status_code, world.notifications.kept) == (422, {})


@pytest.mark.parametrize("tenant", ["default", "", SYSTEM_TENANT, "../x", "00000000-0000-0000-0000-000000000000"])
async def test_tenant_that_nobody_defined_is_nobodys(world: World, tenant: str) -> None:
    """DolphinScheduler CVE-2026-23902 (a run in the name of an undefined tenant)."""
    answer = await world.ask("POST", "/jobs", {**JOB, "tenant": tenant})
    assert answer.status_code == 422
    headers = {"X-Tenant-Id": tenant}
    assert (await world.ask("POST", "/jobs", JOB, headers=headers)).status_code == 201
    assert {command.tenant_id for command in world.log.commands} == {OURS}


@pytest.mark.parametrize(
    "path",
    [
        *("/openApi/runJob", "/openApi/saveJob", "/user/save", "/container/downloadJar", "/test/transport"),
        *("/server/checkConnectivity", "/instance/detail", "/jobcode/save", "/run", "/api/registry", "/api/callback"),
        *("/api/experimental/dags", "/console", "/debug", "/admin", "/actuator/env", "/actuator/heapdump", "/graphql"),
    ],
)
async def test_doors_for_tests_and_for_machines_do_not_exist(world: World, path: str) -> None:
    """PowerJob CVE-2025-11581 (`/openApi/runJob`), CVE-2023-29922 (`/user/save`), CVE-2023-37754, CVE-2025-14518;
    XXL-JOB CVE-2023-48089 and its executors' `/run`; Airflow CVE-2020-13927: closed to nobody, absent for callers."""
    for place_ in (path, API + path, "/internal" + path):
        for method in ("GET", "POST"):
            assert (await world.client.request(method, place_, json={})).status_code == 401
            headers = {"Authorization": f"Bearer {OUR_TOKEN}", "X-Service-Token": SERVICE_TOKEN}
            assert (await world.client.request(method, place_, json={}, headers=headers)).status_code == 404
    assert world.log.records == []


class Viewer:
    """Recognises everybody as somebody who may read."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "user:viewer", ROLES["viewer"])


async def test_running_a_job_needs_more_than_being_somebody() -> None:
    """PowerJob CVE-2025-11581 (running without authorisation) and Rundeck CVE-2021-41112 (edits without it)."""
    async with open_world(callers=Viewer()) as world:
        for verb in ("trigger", "pause", "stop"):
            assert (await world.ask("POST", f"/jobs/{UNKNOWN}/{verb}")).status_code == 403
        assert (await world.ask("PUT", f"/jobs/{UNKNOWN}", JOB)).status_code == 403
        assert world.log.records == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/x-yaml", b"!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[]]]"),
        ("text/yaml", b"!!python/object/apply:os.system ['id']"),
        ("application/zip", b"PK\x03\x04../../etc/cron.d/x"),
        ("application/x-java-serialized-object", b"\xac\xed\x00\x05"),
        ("application/x-python-pickle", b"cos\nsystem\n(S'id'\ntR."),
        ("application/xml", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
    ],
)
async def test_body_of_a_kind_that_can_carry_code_is_not_looked_at(world: World, kind: str, content: bytes) -> None:
    """Rundeck CVE-2021-39132 (YAML and archives that ran code on upload)."""
    answer = await world.ask("POST", "/jobs", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert world.log.records == []


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain", ""],
)
async def test_json_that_poses_as_an_upload_is_refused_and_a_path_is_no_upload(world: World, kind: str) -> None:
    """n8n CVE-2026-21858: a JSON body under another content type was believed to name files of an upload."""
    content = b'{"files": {"data": {"filepath": "/etc/passwd"}}, "config": {"file": "/etc/passwd"}}'
    headers = {"Content-Type": kind}
    for method, path in (("POST", "/jobs"), ("POST", "/jobs/validate"), ("PUT", f"/jobs/{UNKNOWN}")):
        assert (await world.ask(method, path, content=content, headers=headers)).status_code == 415
    answer = await world.ask("POST", "/jobs", content=content)
    assert (answer.status_code, world.log.records) == (422, [])
    assert "root:" not in answer.text


async def test_no_other_site_acts_through_a_browser(world: World) -> None:
    """Flower CVE-2022-30034 (an API without a token, and requests forged across sites): cookies prove nobody, forms
    are refused, and no other origin is let in to read."""
    cookies = {"Cookie": f"token={OUR_TOKEN}; session={OUR_TOKEN}", "Origin": "https://evil.example"}
    assert (await world.client.post(f"{API}/jobs", json=JOB, headers=cookies)).status_code == 401
    query = await world.client.get(f"{API}/jobs?access_token={OUR_TOKEN}&token={OUR_TOKEN}")
    assert query.status_code == 401
    answer = await world.ask("GET", "/jobs", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert (await world.client.options(f"{API}/jobs", headers=asked)).status_code == 401


QUERIES = [
    (method, path, parameter["name"])
    for method, path in operations()
    for parameter in document()["paths"][path][method.lower()].get("parameters", [])
    if parameter["in"] == "query"
]


@pytest.mark.parametrize(("method", "path", "name"), QUERIES)
async def test_what_is_written_into_a_filter_never_widens_or_breaks_it(
    world: World, method: str, path: str, name: str
) -> None:
    """Kestra CVE-2026-38428 (SQL in a filter of a GET); `tests/integration/projections/test_row_walls.py` has the
    same texts on a real database."""
    placed = await place(world)
    headers = {"Authorization": f"Bearer {await token_for(world, THEIRS, path)}"}
    theirs = (await world.created(token=THEIR_TOKEN))["id"]
    for text in INJECTIONS:
        named = dict.fromkeys(placed.ids, theirs)
        params = {**ENDING.get(path, {}), name: text}
        answer = await world.client.request(method, path.format(**named), params=params, headers=headers)
        assert answer.status_code in (200, 400, 403), answer.text
        assert not [mark for mark in placed.marks if mark in answer.text]


@pytest.mark.parametrize("name", ["sort", "order", "orderBy", "filter", "fields", "where", "filters[name]", "q[]"])
async def test_filter_that_is_not_documented_is_refused(world: World, name: str) -> None:
    """Kestra CVE-2026-38428 (a name of a column, taken from the query into the statement)."""
    for path in ("/jobs", "/executions"):
        answer = await world.ask("GET", f"{path}?{name}=name;drop")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")
