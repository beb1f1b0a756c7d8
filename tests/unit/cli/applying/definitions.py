"""Definitions of jobs for the tests: one by hand, and strategies that make up any."""

from typing import Any

from hypothesis import strategies as st

from horolog.cli.applying.plan import PresentJob, present_job
from schemas.jobs import JobDefinition

TEXT = st.text(max_size=30).filter(lambda text: "\x00" not in text)
NAME = TEXT.filter(bool)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
_REFERENCE = st.just("secret://billing-token")
_HTTP = st.fixed_dictionaries(
    {"url": st.just("https://example.org/run"), "method": st.sampled_from(["GET", "POST"])},
    optional={
        "headers": st.dictionaries(st.sampled_from(["X-A", "authorization"]), _REFERENCE, max_size=2),
        "body": JSON,
        "timeout": st.integers(1, 60_000),
        "retryOnStatusCodes": st.lists(st.integers(100, 599), max_size=3),
    },
)
_FUNCTION = st.fixed_dictionaries(
    {"modulePath": st.just("shop.tasks"), "functionName": st.just("run")},
    optional={"parameters": st.dictionaries(st.sampled_from(["a", "b", "yes", "012"]), JSON, max_size=3)},
)
_COMMAND = st.fixed_dictionaries(
    {"command": st.just("df")},
    optional={
        "args": st.lists(TEXT, max_size=3),
        "environment": st.dictionaries(st.sampled_from(["A", "on"]), _REFERENCE, max_size=2),
    },
)
_KINDS = st.one_of(
    *(
        st.tuples(st.just(kind), config)
        for kind, config in (("http", _HTTP), ("function", _FUNCTION), ("command", _COMMAND))
    )
)
_OPTIONAL = {
    "description": TEXT,
    "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
    "retryConfig": st.fixed_dictionaries({}, optional={"maxRetries": st.integers(0, 9)}),
    "timeout": st.integers(1, 86_400),
    "priority": st.integers(-9, 9),
    "startDate": st.sampled_from(["2026-01-01T00:00:00Z", "2026-03-01T01:00:00+01:00"]),
    "maxExecutions": st.integers(1, 9),
    "tags": st.lists(NAME.filter(lambda tag: not tag.startswith("applied:")), max_size=3),
    "misfire": st.fixed_dictionaries({}, optional={"policy": st.sampled_from(["skip", "all"])}),
    "overlap": st.fixed_dictionaries({}, optional={"queueMax": st.integers(1, 9)}),
}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A body of a job, without secrets but references to them."""
    kind, config = draw(_KINDS)
    rest = draw(st.fixed_dictionaries({}, optional=_OPTIONAL))
    expression = draw(st.sampled_from(["0 * * * * *", "*/5 * * * *", "@daily", "0 0 12 ? * MON#2"]))
    return {"name": draw(NAME), "cronExpression": expression, "jobType": kind, "config": config, **rest}


def body(**changes: Any) -> dict[str, Any]:
    """A body of a job, as somebody would write it."""
    config = {"url": "https://example.org/run", "method": "GET"}
    return {"name": "disk", "cronExpression": "0 * * * * *", "jobType": "http", "config": config, **changes}


def present(number: int = 1, version: int = 1, status: str = "active", **changes: Any) -> PresentJob:
    """A job that the tenant has, as the API would answer it."""
    definition = JobDefinition.model_validate(body(**changes))
    return stored(definition, number, version, status)


def stored(definition: JobDefinition, number: int, version: int = 1, status: str = "active") -> PresentJob:
    """A definition as the API answers it: with every default, and what the server adds."""
    answer = definition.model_dump(mode="json", by_alias=True)
    defaults = {"misfire": definition.misfire.to_dict(), "overlap": definition.overlap.to_dict()}
    made = {"id": job_id(number), "version": version, "status": status, "executionCount": 7, "createdBy": "user:me"}
    return present_job({**answer, **defaults, **made})


def job_id(number: int) -> str:
    """An id that a server might have made."""
    return f"6f1c1f7e-0000-5000-8000-{number:012d}"
