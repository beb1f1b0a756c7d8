"""A row of XXL-JOB fires when Quartz would fire it."""

import json
from typing import Any

import pytest

from horolog.cli.importing.port import Setting
from horolog.cli.importing.quartz import quartz_expression
from horolog.cli.importing.schedules import NotMapped
from horolog.cli.importing.xxl_job import read_xxl_job
from tests.unit.cli.importing.reading import fires, notes, only, reason

SHANGHAI = Setting("Asia/Shanghai", "http://executor.example.org:9999/run/{handler}")
ROW = {
    "id": 7,
    "job_group": 1,
    "job_desc": "daily report",
    "author": "li",
    "alarm_email": "",
    "schedule_type": "CRON",
    "schedule_conf": "0 0 2 ? * 2-6",
    "misfire_strategy": "DO_NOTHING",
    "executor_route_strategy": "FIRST",
    "executor_handler": "reportHandler",
    "executor_param": "a=1",
    "executor_block_strategy": "DISCARD_LATER",
    "executor_timeout": 60,
    "executor_fail_retry_count": 2,
    "glue_type": "BEAN",
    "glue_source": "",
    "child_jobid": "",
    "trigger_status": 1,
    "trigger_last_time": 0,
    "trigger_next_time": 0,
}


def _row(**fields: Any) -> str:
    return json.dumps([{**ROW, **fields}])


def test_a_bean_becomes_a_call_of_its_handler() -> None:
    assert only(read_xxl_job, _row(), SHANGHAI) == {
        "name": "daily report (xxl-job 7)",
        "description": "By li.",
        "cronExpression": "0 0 2 * * 1-5",
        "timezone": "Asia/Shanghai",
        "jobType": "http",
        "config": {
            "url": "http://executor.example.org:9999/run/reportHandler",
            "method": "POST",
            "body": {"handler": "reportHandler", "param": "a=1"},
            "timeout": 86_400_000,
        },
        "retryConfig": {
            "maxRetries": 2,
            "retryDelayMs": 10_000,
            "exponentialBackoff": False,
            "retryOnErrorTypes": ["TIMEOUT", "NETWORK_ERROR", "VALIDATION_ERROR", "SYSTEM_ERROR", "USER_ERROR"],
        },
        "timeout": 60,
        "tags": ["xxl-job"],
        "misfire": {"policy": "skip"},
    }
    told = notes(read_xxl_job, _row(), SHANGHAI)
    assert "not taken over: executor_route_strategy" in told
    assert "missed after 5 s" in told


def test_a_shell_script_becomes_a_command_with_its_arguments() -> None:
    document = only(read_xxl_job, _row(glue_type="GLUE_SHELL", glue_source="echo $1\n"), Setting("UTC"))
    assert document["config"] == {"command": "/bin/bash", "args": ["-c", "echo $1\n", "xxl-job", "a=1", "0", "1"]}


def test_strategies_have_their_counterparts() -> None:
    text = _row(executor_block_strategy="SERIAL_EXECUTION", misfire_strategy="FIRE_ONCE_NOW", executor_timeout=0)
    document = only(read_xxl_job, text, SHANGHAI)
    assert document["overlap"] == {"policy": "queueAll", "queueMax": 1000}
    assert document["misfire"] == {"maxAge": 604_800}
    assert document["timeout"] == 86_400
    assert only(read_xxl_job, _row(executor_block_strategy="COVER_EARLY"), SHANGHAI)["overlap"] == {
        "policy": "cancelRunning"
    }


def test_a_fixed_rate_is_an_interval() -> None:
    document = only(read_xxl_job, _row(schedule_type="FIX_RATE", schedule_conf="30"), SHANGHAI)
    assert (document["cronExpression"], document.get("timezone")) == ("*/30 * * * * *", None)


def test_rows_come_as_csv_and_as_the_pages_of_the_admin_too() -> None:
    header = ",".join(ROW)
    line = ",".join(str(value) for value in ROW.values())
    assert only(read_xxl_job, f"{header}\n{line}\n", SHANGHAI) == only(read_xxl_job, _row(), SHANGHAI)
    camel = {"".join(part.title() if number else part for number, part in enumerate(name.split("_"))): value
             for name, value in ROW.items()}  # fmt: skip
    camel["childJobId"] = camel.pop("childJobid")
    page = json.dumps({"recordsTotal": 1, "data": [camel]})
    assert only(read_xxl_job, page, SHANGHAI) == only(read_xxl_job, _row(), SHANGHAI)


def test_places_are_lines_and_ids() -> None:
    text = ",".join(ROW) + "\n" + ",".join(str(value) for value in {**ROW, "trigger_status": 0}.values())
    (unmapped,) = read_xxl_job(text, SHANGHAI).unmapped
    assert unmapped.place == "line 2 (id 7)"
    assert "more or fewer columns" in reason(read_xxl_job, "id,job_desc\n1\n", SHANGHAI)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"trigger_status": 0}, "is stopped"),
        ({"schedule_type": "NONE"}, "names no instants"),
        ({"schedule_type": "FIX_RATE", "schedule_conf": "7"}, "divide"),
        ({"child_jobid": "8"}, "child_jobid"),
        ({"executor_route_strategy": "SHARDING_BROADCAST"}, "every executor"),
        ({"glue_type": "GLUE_GROOVY"}, "GLUE_GROOVY"),
        ({"executor_block_strategy": "OTHER"}, "OTHER"),
        ({"executor_timeout": "soon"}, "executor_timeout"),
        ({"executor_handler": None}, "executor_handler"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_row_that_cannot_be_said_exactly_is_refused(fields: dict[str, Any], said: str) -> None:
    assert said in reason(read_xxl_job, _row(**fields), SHANGHAI)


def test_neither_zone_nor_address_is_guessed() -> None:
    assert "Java machine" in reason(read_xxl_job, _row(), Setting(None, "http://x/{handler}"))
    assert "--handler-url" in reason(read_xxl_job, _row(), Setting("UTC"))
    assert "not there" in reason(read_xxl_job, _row(), Setting("UTC", "http://x/{queue}"))


# 2026-01-01 is a Thursday; instants computed by hand.
@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("0 0 0 ? * 1", ["01-04 00:00:00", "01-11 00:00:00"]),
        ("0 0 0 ? * SUN", ["01-04 00:00:00", "01-11 00:00:00"]),
        ("0 0 0 ? * L", ["01-03 00:00:00", "01-10 00:00:00"]),
        ("0 0 0 ? * 6L", ["01-30 00:00:00", "02-27 00:00:00"]),
        ("0 0 0 ? * FRI#2", ["01-09 00:00:00", "02-13 00:00:00"]),
        ("0 0 0 ? * 6#2", ["01-09 00:00:00", "02-13 00:00:00"]),
        ("0 0 0 ? * 2/2", ["01-02 00:00:00", "01-05 00:00:00"]),
        ("0 0 0 ? * FRI-SUN", ["01-02 00:00:00", "01-03 00:00:00"]),
        ("0 0 0 ? * 7-2", ["01-03 00:00:00", "01-04 00:00:00"]),
        ("0 0 0 ? * *", ["01-02 00:00:00", "01-03 00:00:00"]),
        ("0 0 0 L * ?", ["01-31 00:00:00", "02-28 00:00:00"]),
        ("0 0 0 LW * ?", ["01-30 00:00:00", "02-27 00:00:00"]),
        ("0 0 0 15W * ?", ["01-15 00:00:00", "02-16 00:00:00"]),
        ("0 0 0 1 jan-mar ?", ["02-01 00:00:00", "03-01 00:00:00"]),
        ("10/25 0 0 * * ?", ["01-01 00:00:10", "01-01 00:00:35"]),
        ("0 0 23-1 * * ? *", ["01-01 01:00:00", "01-01 23:00:00"]),
    ],
)
def test_an_expression_fires_as_in_quartz(expression: str, first: list[str]) -> None:
    assert fires(quartz_expression(expression), 2) == first


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 0 0 * * *", "exactly one"),
        ("0 0 0 ? * ?", "exactly one"),
        ("0 0 0 1 * 2", "exactly one"),
        ("0 0 0 * *", "5 fields"),
        ("0 0 0 1 1 ? 2027", "years"),
        ("0 0 0 L-3 * ?", "not understood"),
        ("0 0 0 31W * ?", "no day 31"),
        ("0 0 0 ? * 0", "not within 1"),
        ("0 0 0 ? * 8", "not within 1"),
        ("0 0 0 ? * MON,6L", "not understood"),
        ("60 0 0 * * ?", "not within 0 and 59"),
        ("0/70 0 0 * * ?", "no step of 70"),
        ("0 0 0 1,LW * ?", "not understood"),
        ("0 0 0 * FOO ?", "not within 1 and 12"),
    ],
)
def test_an_expression_that_is_not_quartz_or_means_more_is_refused(expression: str, said: str) -> None:
    with pytest.raises(NotMapped) as caught:
        quartz_expression(expression)
    assert said in str(caught.value)
