"""The promised surface: every endpoint exists, is documented, and answers in its documented shape."""

from typing import Any

import pytest

from services.api.examples import EXAMPLES
from tests.unit.api.contract import check_shape, document, operations
from tests.unit.api.memory_accounts import password_of
from tests.unit.api.samples import DELIVERIES, RULE, RULES, place_rules
from tests.unit.api.world import API, JOB, OUR_TOKEN, OURS, World

# (method, path, body) of every endpoint that was promised, and the status that a good request gets.
PUBLIC: list[tuple[str, str, Any, int]] = [
    ("POST", "/jobs", JOB, 201),
    ("GET", "/jobs", None, 200),
    ("POST", "/jobs/validate", JOB, 200),
    ("GET", "/jobs/{job_id}", None, 200),
    ("PUT", "/jobs/{job_id}", JOB, 200),
    ("POST", "/jobs/{job_id}/validate", None, 200),
    ("POST", "/jobs/{job_id}/trigger", None, 201),
    ("GET", "/jobs/{job_id}/executions", None, 200),
    ("GET", "/jobs/{job_id}/fires", None, 200),
    ("GET", "/jobs/{job_id}/resume-preview", None, 200),
    ("GET", "/jobs/{job_id}/versions", None, 200),
    ("POST", "/jobs/{job_id}/rollback", {"toVersion": 1}, 200),
    ("POST", "/jobs/{job_id}/pause", None, 200),
    ("POST", "/jobs/{job_id}/resume", None, 200),
    ("POST", "/jobs/{job_id}/stop", None, 200),
    ("GET", "/executions", None, 200),
    ("GET", "/executions/stats", None, 200),
    ("GET", "/executions/{execution_id}", None, 200),
    ("POST", "/executions/{execution_id}/cancel", None, 200),
    ("GET", "/commands/{command_id}", None, 200),
    ("GET", "/ledger/verify", None, 200),
    ("GET", "/status", None, 200),
    ("GET", "/metrics", None, 200),
    ("GET", "/queues", None, 200),
    ("GET", "/workers", None, 200),
    ("DELETE", "/jobs/{job_id}", None, 204),
]
INTERNAL: list[tuple[str, str, Any, int]] = [
    ("POST", "/internal/jobs/create", {"tenantId": OURS, **JOB}, 201),
    ("POST", "/internal/jobs/batch-create", {"tenantId": OURS, "jobs": [JOB]}, 200),
    ("POST", "/internal/jobs/{job_id}/trigger", {"tenantId": OURS}, 201),
    ("GET", "/internal/jobs/{job_id}/status", None, 200),
    ("POST", "/internal/jobs/{job_id}/pause", {"tenantId": OURS}, 200),
    ("POST", "/internal/jobs/{job_id}/resume", {"tenantId": OURS}, 200),
    ("GET", "/internal/health", None, 200),
    ("GET", "/health", None, 200),
]
SIGNED_IN: dict[str, Any] = {"name": "ada", "password": password_of("ada")}
ACCOUNTS: list[tuple[str, str, Any, int]] = [
    ("POST", "/api/v1/auth/token", SIGNED_IN, 200),
    ("POST", "/api/v1/auth/refresh", {"refreshToken": "{refresh_token}"}, 200),
    ("POST", "/api/v1/auth/logout", {"refreshToken": "{refresh_token}"}, 204),
    ("POST", "/api/v1/auth/password", {**SIGNED_IN, "newPassword": "another horse staple"}, 204),
    ("GET", "/api/v1/users", None, 200),
    ("GET", "/api/v1/audit", None, 200),
    ("POST", "/api/v1/users", {"name": "bob", "roles": ["viewer"]}, 201),
    ("GET", "/api/v1/users/{user_id}", None, 200),
    ("PATCH", "/api/v1/users/{user_id}", {"roles": ["viewer", "auditor"]}, 200),
    ("POST", "/api/v1/users/{user_id}/password", None, 200),
    ("POST", "/api/v1/users/{user_id}/revoke", None, 204),
    ("GET", "/api/v1/users/{user_id}/sessions", None, 200),
    ("DELETE", "/api/v1/users/{user_id}/sessions/{session_id}", None, 204),
]
# Their answers are held against the document in `test_tenants`, where somebody may ask for them.
TENANTS = [
    # In `test_analytics`.
    ("GET", "/api/v1/analytics"),
    ("GET", "/api/v1/tenant"),
    ("GET", "/api/v1/tenant/usage"),
    ("GET", "/api/v1/tenants"),
    ("POST", "/api/v1/tenants"),
    ("GET", "/api/v1/tenants/{tenant_id}"),
    ("PATCH", "/api/v1/tenants/{tenant_id}"),
    ("POST", "/api/v1/tenants/{tenant_id}/erase"),
    ("GET", "/internal/tenants/{tenant_id}"),
    *(
        (method, f"{base}/tenants/{{tenant_id}}/{deed}")
        for base in ("/api/v1", "/internal")
        for method, deed in (
            ("POST", "suspend"),
            ("POST", "resume"),
            ("POST", "barred-actors/{actor}"),
            ("DELETE", "barred-actors/{actor}"),
        )
    ),
]
# What they tell is held against the document in `test_event_routes` and `test_output_routes`.
STREAMS = [("GET", "/api/v1/events"), ("GET", f"{API}/executions/{{execution_id}}/output/stream")]
SECRETS: list[tuple[str, str, Any, int]] = [
    ("PUT", "/api/v1/secrets/{name}", {"value": "hush"}, 200),
    ("GET", "/api/v1/secrets", None, 200),
    ("DELETE", "/api/v1/secrets/{name}", None, 204),
]
NOTIFICATIONS: list[tuple[str, str, Any, int]] = [
    ("POST", RULES, RULE, 201),
    ("GET", RULES, None, 200),
    ("GET", f"{RULES}/{{rule_id}}", None, 200),
    ("PUT", f"{RULES}/{{rule_id}}", RULE, 200),
    ("POST", f"{RULES}/{{rule_id}}/test", None, 201),
    ("GET", DELIVERIES, None, 200),
    ("POST", f"{DELIVERIES}/{{delivery_id}}/redeliver", None, 200),
    ("DELETE", f"{RULES}/{{rule_id}}", None, 204),
]
JOB_FIELDS = {"id", "name", "status", "cronExpression", "nextExecutionAt", "executionCount", "createdAt", "updatedAt"}
METRICS = (
    "totalJobs activeJobs pausedJobs totalExecutions successfulExecutions failedExecutions cancelledExecutions "
    "averageExecutionTime queueLength activeWorkers errorRate timeoutRate retryRate"
)


def test_every_promised_endpoint_is_documented_and_nothing_else_is() -> None:
    promised = {(method, API + path) for method, path, _, _ in PUBLIC}
    promised |= {(method, path) for method, path, _, _ in [*INTERNAL, *ACCOUNTS, *SECRETS, *NOTIFICATIONS]}
    promised |= {*TENANTS, *STREAMS}
    assert set(operations()) == promised


@pytest.mark.parametrize(("method", "path", "body", "status"), PUBLIC + INTERNAL)
async def test_endpoint_answers_in_its_documented_shape(
    world: World, method: str, path: str, body: Any, status: int
) -> None:
    job = await world.created()
    execution = (await world.ask("POST", f"/jobs/{job['id']}/trigger")).json()
    ids = {
        "job_id": job["id"],
        "execution_id": execution["id"],
        "command_id": world.log.commands[0].command_id,
    }
    answer = await world.ask(method, path.format(**ids), body, headers={"X-Tenant-Id": OURS})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("method", "path", "body", "status"), ACCOUNTS)
async def test_endpoint_of_accounts_answers_in_its_documented_shape(
    world: World, method: str, path: str, body: Any, status: int
) -> None:
    ada = world.issuing.add("ada", OURS, "viewer")
    world.issuing.add("boss", OURS, "admin")
    boss = {"name": "boss", "password": password_of("boss")}
    token = (await world.ask("POST", "/api/v1/auth/token", boss)).json()["accessToken"]
    signed_in = (await world.ask("POST", "/api/v1/auth/token", SIGNED_IN)).json()
    (session_id,) = [id_ for id_, kept in world.issuing.store.kept.items() if kept.user_id == ada.id]
    if body and "refreshToken" in body:
        body = {"refreshToken": signed_in["refreshToken"]}
    answer = await world.ask(method, path.format(user_id=ada.id, session_id=session_id), body, token=token)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("method", "path", "body", "status"), NOTIFICATIONS)
async def test_endpoint_of_notifications_answers_in_its_documented_shape(
    world: World, method: str, path: str, body: Any, status: int
) -> None:
    ids = await place_rules(world, OUR_TOKEN, "ours")
    answer = await world.ask(method, path.format(**ids), body)
    assert answer.status_code == status, answer.text


def test_every_operation_is_described_and_says_who_may_call_it() -> None:
    seen = list[str]()
    for method, path in operations():
        operation = document()["paths"][path][method.lower()]
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        scheme = "service" if path.startswith("/internal") else "bearer"
        assert operation["security"] == ([] if path.endswith("/health") or "/auth/" in path else [{scheme: []}])
        seen.append(operation["operationId"])
    assert len(set(seen)) == len(seen)


def test_every_reference_of_the_document_leads_somewhere() -> None:
    schemas = document()["components"]["schemas"]
    targets, rest = set[str](), list[Any]([document()])
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            targets |= {item["$ref"]} if isinstance(item.get("$ref"), str) else set()
            rest += item.values()
        elif isinstance(item, list):
            rest += item
    assert {target.rpartition("/")[2] for target in targets} <= set(schemas)


def test_every_body_has_an_example() -> None:
    bodies = set[str]()
    for method, path in operations():
        operation = document()["paths"][path][method.lower()]
        described = [*operation["responses"].values(), operation.get("requestBody", {})]
        for content in (kind["schema"] for part in described for kind in part.get("content", {}).values()):
            options = content.get("anyOf", [content])
            bodies |= {option["$ref"].rpartition("/")[2] for option in options if "$ref" in option}
    assert bodies == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_keeps_its_schema(name: str) -> None:
    check_shape(name, EXAMPLES[name])


def test_bodies_have_the_promised_fields() -> None:
    schemas = document()["components"]["schemas"]
    assert set(schemas["JobResponse"]["properties"]) >= JOB_FIELDS
    assert list(schemas["MetricsResponse"]["properties"]) == METRICS.split()
    assert list(schemas["ErrorResponse"]["properties"]) == ["error", "timestamp", "path"]
    shape = ["success", "errorCode", "message", "timestamp", "serviceName"]
    assert list(schemas["InternalErrorResponse"]["properties"]) == shape
    told = ["status", "service", "port", "dependencies", "metrics", "problems"]
    assert list(schemas["HealthResponse"]["properties"]) == told
    parts = ["database", "redis", "jobQueue", "distributedLock", "services", "schedules", "auditSink"]
    assert list(schemas["HealthDependencies"]["properties"]) == parts
    assert list(schemas["HealthMetrics"]["properties"]) == ["activeJobs", "queueSize", "memoryUsage"]


async def test_served_document_is_the_one_that_is_printed(world: World) -> None:
    assert (await world.ask("GET", "/openapi.json")).json() == document()
