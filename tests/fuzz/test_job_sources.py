"""Files of jobs and the sources of imports, as anybody might write them: understood, or refused by a reason."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.cli.applying.job_files import Source, read_jobs
from horolog.cli.applying.job_text import TextProblem, read_text
from horolog.cli.importing.bullmq import read_bullmq
from horolog.cli.importing.celery import read_celery
from horolog.cli.importing.kubernetes import read_kubernetes
from horolog.cli.importing.port import Reader, Setting
from horolog.cli.importing.xxl_job import read_xxl_job
from tests.fuzz import CASES

many = settings(max_examples=max(20, CASES // 20), database=None, deadline=None)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SAMPLES = [
    read_text((EXAMPLES / name).read_text(encoding="utf-8"), is_json=name.endswith("json"))[0].data
    for name in ("jobs.yaml", "cronjobs.yaml", "beat_schedule.json", "job_schedulers.json")
]
ROW = {"id": 1, "job_desc": "a", "schedule_type": "CRON", "schedule_conf": "0 0 2 ? * 2-6", "trigger_status": 1}
TASK = {"name": "a", "task": "shop.tasks.run", "crontab": 1, "args": "[]", "kwargs": "{}", "enabled": True}
SAMPLES += [
    [{**ROW, "glue_type": "BEAN", "executor_handler": "run", "executor_timeout": 5, "executor_fail_retry_count": 1}],
    [
        {"model": "django_celery_beat.crontabschedule", "pk": 1, "fields": {"minute": "0", "timezone": "UTC"}},
        {"model": "django_celery_beat.periodictask", "pk": 2, "fields": TASK},
    ],
]
SIGNS = list("a:-\n \t[]{},\"'|>#?%=()\\\0\u2028\ufeff")
WORDS = [*SIGNS, ": ", "&a", "*a", "!!str", "---", "<<", "\\ud800", "\\x00", "yes", "012", "1e999", "null", "jobs:"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=30).map("".join) | st.text(max_size=60)
STRANGE: tuple[Any, ...] = (
    *("", "text", "\ud800", "\0", "60", "-1", "[]", "{", "1e999", "*/5", "0 0 * * *", "0 0 0 ? * 2", "@daily", "Mars"),
    *(0, 1, -1, 10**18, 10**400, 0.5, 1e300, True, False, None, [], {}, [1], {"a": 1}),
)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A sample as JSON, in which something stands that does not belong there."""
    data = json.loads(json.dumps(draw(st.sampled_from(SAMPLES))))
    for _ in range(draw(st.integers(0, 2))):
        places = list(_places(data))
        held, key = draw(st.sampled_from(places)) if places else ({}, "")
        # A copy: the next thing put in may go into this one, and must not stay there for other samples.
        held[key] = deepcopy(draw(st.sampled_from(STRANGE)))
    return json.dumps(data)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield data, key
        if isinstance(value, dict | list):
            yield from _places(value)


READERS = {"kubernetes": read_kubernetes, "celery": read_celery, "xxl": read_xxl_job, "bullmq": read_bullmq}
SETTING = Setting("UTC", "https://handlers.example.org/run")


@many
@given(text=TEXTS, is_json=st.booleans())
def test_a_text_is_data_that_could_be_written_or_has_a_problem(text: str, is_json: bool) -> None:
    try:
        documents = read_text(text, is_json)
    except TextProblem:
        return
    for document in documents:
        json.dumps(document.data, ensure_ascii=False, allow_nan=False).encode()


@many
@given(text=TEXTS | spoilt())
def test_files_hold_jobs_or_have_problems(text: str) -> None:
    found = read_jobs([Source("jobs.yaml", text)], "keep")
    assert all(problem.startswith("jobs.yaml:") for problem in found.problems)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@many
@given(text=TEXTS | spoilt())
def test_a_source_becomes_jobs_and_reasons(reader: Reader, text: str) -> None:
    found = reader(text, SETTING)
    documents: list[Any] = [entry.document for entry in found.entries]
    assert read_jobs([Source("jobs.json", json.dumps({"jobs": documents}))], "keep").problems == ()
    assert all(one.place and one.reason for one in found.unmapped)
