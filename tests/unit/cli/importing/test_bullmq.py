"""A job scheduler of BullMQ fires when cron-parser, or its interval, would fire it."""

import json
from typing import Any

import pytest

from horolog.cli.importing.bullmq import pattern_expression, read_bullmq
from horolog.cli.importing.port import Setting
from tests.unit.cli.importing.reading import fires, notes, only, reason

CALLED = Setting("UTC", "https://workers.example.org/{queue}/{name}")
SCHEDULER = {
    "key": "nightly",
    "name": "send report",
    "pattern": "0 30 3 * * 1-5",
    "tz": "Europe/Berlin",
    "endDate": 1_798_761_600_000,
    "limit": 10,
    "iterationCount": 3,
    "next": 1_767_225_600_000,
    "template": {
        "data": {"kind": "full"},
        "opts": {"attempts": 5, "backoff": {"type": "exponential", "delay": 500}, "removeOnComplete": True},
    },
}


def _export(**fields: Any) -> str:
    return json.dumps({"queue": "mail", "jobSchedulers": [{**SCHEDULER, **fields}]})


def test_a_scheduler_becomes_a_call_of_its_processor() -> None:
    assert only(read_bullmq, _export(), CALLED) == {
        "name": "mail/nightly",
        "cronExpression": "0 30 3 * * 1-5",
        "timezone": "Europe/Berlin",
        "jobType": "http",
        "config": {
            "url": "https://workers.example.org/mail/send%20report",
            "method": "POST",
            "body": {"name": "send report", "data": {"kind": "full"}},
            "timeout": 86_400_000,
        },
        "retryConfig": {
            "maxRetries": 4,
            "retryDelayMs": 500,
            "retryOnErrorTypes": ["TIMEOUT", "NETWORK_ERROR", "VALIDATION_ERROR", "SYSTEM_ERROR", "USER_ERROR"],
        },
        "timeout": 86_400,
        "maxConcurrent": 10_000,
        "endDate": "2027-01-01T00:00:00Z",
        "maxExecutions": 7,
        "tags": ["bullmq"],
        "misfire": {"maxAge": 604_800},
    }
    told = notes(read_bullmq, _export(), CALLED)
    assert "not taken over: removeOnComplete" in told
    assert "no time limit" in told


def test_a_bare_list_is_read_too() -> None:
    document = only(read_bullmq, json.dumps([SCHEDULER]), Setting("UTC", "https://workers.example.org/{name}"))
    assert document["name"] == "nightly"


# every is counted from 1970-01-01T00:00Z, a Thursday's midnight; instants computed by hand.
@pytest.mark.parametrize(
    ("every_ms", "offset_ms", "first"),
    [
        (15_000, 0, ["01-01 00:00:15", "01-01 00:00:30"]),
        (20_000, 5_000, ["01-01 00:00:05", "01-01 00:00:25"]),
        (600_000, 61_000, ["01-01 00:01:01", "01-01 00:11:01"]),
        ("20000", "5999", ["01-01 00:00:05", "01-01 00:00:25"]),
        (43_200_000, 3_600_000, ["01-01 01:00:00", "01-01 13:00:00"]),
    ],
)
def test_every_keeps_its_period_and_phase(every_ms: int | str, offset_ms: int | str, first: list[str]) -> None:
    text = _export(pattern=None, every=every_ms, offset=offset_ms, tz=None)
    document = only(read_bullmq, text, CALLED)
    assert document.get("timezone") is None
    assert fires(document["cronExpression"], 2) == first


def test_a_fraction_of_a_second_is_told() -> None:
    assert "earlier by that fraction" in notes(read_bullmq, _export(pattern=None, every=20_000, offset=5_999), CALLED)
    assert "fraction" not in notes(read_bullmq, _export(pattern=None, every=20_000, offset=5_000), CALLED)


# 2026-01-01 is a Thursday.
@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("0 0 13 * FRI", ["01-02 00:00:00", "01-09 00:00:00"]),
        ("0 0 */2 * MON", ["01-03 00:00:00", "01-05 00:00:00"]),
        ("*/20 * * * * *", ["01-01 00:00:20", "01-01 00:00:40"]),
        ("@daily", ["01-02 00:00:00", "01-03 00:00:00"]),
        ("0 0 ? * 5#2", ["01-09 00:00:00", "02-13 00:00:00"]),
    ],
)
def test_a_pattern_is_passed_on_where_both_read_it_alike(pattern: str, first: list[str]) -> None:
    assert fires(pattern_expression(pattern), 2) == first


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pattern": "0 0 * * 1/2"}, "goes on to Sunday"),
        ({"pattern": "0 0 1-31 * MON"}, "every day"),
        ({"pattern": "0 0 */1 * MON"}, "every day"),
        ({"pattern": "0 0 5 * 0-6"}, "every day"),
        ({"pattern": "* * *"}, "5 or 6 fields"),
        ({"pattern": "@every 5m"}, "@every"),
        ({"pattern": 7}, "no text"),
        ({"tz": 7}, "tz is no text"),
        ({"every": 1000}, "exactly one"),
        ({"pattern": None}, "exactly one"),
        ({"pattern": None, "every": 1500}, "whole number of seconds"),
        ({"pattern": None, "every": 7000}, "divide"),
        ({"offset": 5}, "offset"),
        ({"iterationCount": 10}, "used up"),
        ({"limit": "ten"}, "limit"),
        ({"endDate": -1}, "endDate"),
        ({"colour": "red"}, "colour"),
        ({"template": {"opts": {"delay": 5}}}, "delay"),
        ({"template": {"opts": {"attempts": 2, "backoff": {"type": "mine"}}}}, "backoff"),
        ({"template": {"opts": {"backoff": {"type": "fixed", "jitter": 0.5}}}}, "jitter"),
    ],
)
def test_a_scheduler_that_cannot_be_said_exactly_is_refused(fields: dict[str, Any], said: str) -> None:
    assert said in reason(read_bullmq, _export(**fields), CALLED)


def test_neither_zone_nor_address_is_guessed() -> None:
    assert "workers run on" in reason(read_bullmq, _export(tz=None), Setting(None, CALLED.handler_url))
    assert "--handler-url, with {name} and {queue}" in reason(read_bullmq, _export(), Setting("UTC"))
    assert "JSON" in reason(read_bullmq, "key: nightly", CALLED)
