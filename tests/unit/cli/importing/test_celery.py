"""A beat schedule means what Celery means by it, whatever form it has, and nothing of it is run."""

import json
from pathlib import Path
from typing import Any

import pytest

from horolog.cli.importing.celery import read_celery
from horolog.cli.importing.celery_times import crontab_expression
from horolog.cli.importing.port import Setting
from tests.unit.cli.importing.reading import fires, notes, only, reason

NO_SETTING = Setting()
TASK = {"task": "shop.tasks.report", "schedule": 30}

PYTHON = '''"""Settings of a Celery app."""
import os
from datetime import timedelta
from celery.schedules import crontab, solar

app.conf.timezone = "Europe/Berlin"
app.conf.beat_schedule = {
    "report": {
        "task": "shop.tasks.report",
        "schedule": crontab(minute=30, hour="7,19", day_of_week="mon-fri"),
        "kwargs": {"kind": "full", "limits": (1, 2)},
        "options": {"queue": "slow"},
    },
    "ping": {"task": "shop.tasks.ping", "schedule": timedelta(minutes=5)},
    "often": {"task": "shop.tasks.ping", "schedule": 10.0},
    "dusk": {"task": "shop.tasks.lamps", "schedule": solar("sunset", -37.8, 144.9)},
    "secret": {"task": "shop.tasks.ping", "schedule": 10, "kwargs": {"key": os.environ["KEY"]}},
}
'''


def _schedule(**entries: Any) -> str:
    return json.dumps({"beat_schedule": entries})


def _crontab(**fields: Any) -> str:
    return _schedule(a={**TASK, "schedule": {"crontab": fields}})


def test_a_python_file_is_read_without_being_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    found = read_celery(PYTHON + f"\nopen({str(trace)!r}, 'w')\nraise SystemExit\n", NO_SETTING)
    assert not trace.exists()
    assert [
        (entry.place, entry.document["cronExpression"], entry.document.get("timezone")) for entry in found.entries
    ] == [
        ("line 8 (report)", "30 7,19 * * 1-5", "Europe/Berlin"),
        ("line 14 (ping)", "0 */5 * * * *", None),
        ("line 15 (often)", "*/10 * * * * *", None),
    ]
    assert [one.place for one in found.unmapped] == ["line 16 (dusk)", "line 17 (secret)"]
    assert "sun" in found.unmapped[0].reason
    assert "nothing of the file is run" in found.unmapped[1].reason


def test_a_task_becomes_a_function_job() -> None:
    entry = read_celery(PYTHON, NO_SETTING).entries[0]
    assert entry.document == {
        "name": "report",
        "cronExpression": "30 7,19 * * 1-5",
        "timezone": "Europe/Berlin",
        "jobType": "function",
        "config": {
            "modulePath": "shop.tasks",
            "functionName": "report",
            "parameters": {"kind": "full", "limits": [1, 2]},
            "timeout": 86_400_000,
        },
        "timeout": 86_400,
        "maxConcurrent": 10_000,
        "tags": ["celery"],
        "misfire": {"maxAge": 604_800},
    }
    told = "\n".join(entry.notes)
    assert all(said in told for said in ("not through Celery's broker", "not taken over: queue", "when clocks change"))


@pytest.mark.parametrize(
    "text",
    [
        _schedule(a=TASK),
        json.dumps({"a": TASK}),
        "beat_schedule:\n  a: {task: shop.tasks.report, schedule: 30}\n",
        "# of the shop\n\na:\n  task: shop.tasks.report\n  schedule: {timedelta: {seconds: 30}}\n",
        "CELERY_BEAT_SCHEDULE = {'a': {'task': 'shop.tasks.report', 'schedule': 30}}\n",
        "app.conf.update(beat_schedule={'a': {'task': 'shop.tasks.report', 'schedule': schedule(run_every=30)}})\n",
        "beat_schedule: dict = {'a': {'task': 'shop.tasks.report', 'schedule': timedelta(0, 30)}}\n",
    ],
)
def test_every_form_says_the_same(text: str) -> None:
    document = only(read_celery, text, NO_SETTING)
    assert (document["name"], document["cronExpression"]) == ("a", "*/30 * * * * *")
    assert "counted from the full minute" in notes(read_celery, text, NO_SETTING)


def test_a_time_zone_must_be_known_for_a_crontab() -> None:
    text = _crontab(hour=3, minute=0)
    assert "by default UTC" in reason(read_celery, text, NO_SETTING)
    assert only(read_celery, text, Setting("Asia/Tokyo"))["timezone"] == "Asia/Tokyo"
    named = json.dumps({"timezone": "Europe/Paris", "beat_schedule": json.loads(text)["beat_schedule"]})
    assert only(read_celery, named, Setting("Asia/Tokyo"))["timezone"] == "Europe/Paris"


# 2026-01-01 is a Thursday; instants computed by hand.
@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"minute": 0, "hour": 0, "day_of_month": "1-7", "day_of_week": "mon"}, ["01-05 00:00:00", "02-02 00:00:00"]),
        ({"minute": "0", "hour": "0", "day_of_month": "29-31", "day_of_week": 0}, ["03-29 00:00:00", "05-31 00:00:00"]),
        ({"minute": "*/20", "hour": "1"}, ["01-01 01:00:00", "01-01 01:20:00"]),
        ({"minute": "3-10/5", "hour": [1, 2]}, ["01-01 01:03:00", "01-01 01:08:00"]),
        ({"minute": 0, "hour": "23-1"}, ["01-01 01:00:00", "01-01 23:00:00"]),
        ({"minute": 0, "hour": 0, "day_of_month": "*/10"}, ["01-11 00:00:00", "01-21 00:00:00"]),
        ({"minute": 0, "hour": 0, "day_of_week": "sunday,3"}, ["01-04 00:00:00", "01-07 00:00:00"]),
        ({"minute": 0, "hour": 0, "day_of_month": 1, "month_of_year": "*/6"}, ["07-01 00:00:00", "01-01 00:00:00"]),
        ({}, ["01-01 00:01:00", "01-01 00:02:00"]),
    ],
)
def test_all_fields_of_a_crontab_must_match(fields: dict[str, Any], first: list[str]) -> None:
    assert fires(crontab_expression(fields), 2) == first


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"crontab": {"day_of_month": "13", "day_of_week": "fri"}}, "at once"),
        ({"crontab": {"minute": "5/15"}}, "not understood"),
        ({"crontab": {"minute": "60"}}, "not within 0 and 59"),
        ({"crontab": {"day_of_week": 7}}, "not within 0 and 6"),
        ({"crontab": {"minute": "*/0"}}, "step of 0"),
        ({"crontab": {"minute": ""}}, "not understood"),
        ({"crontab": {"minute": []}}, "chooses nothing"),
        ({"crontab": {"minute": True}}, "no number"),
        ({"crontab": {"second": 1}}, "second"),
        ({"crontab": {"timezone": 1}}, "timezone is no text"),
        ({"crontab": {}, "timedelta": {}}, "not understood"),
        ({"timedelta": {"days": 10**400}}, "longer than"),
        ({"solar": {"event": "sunset"}}, "sun"),
        (7, "divide"),
        (0.5, "whole number"),
        ({"timedelta": {"days": 2}}, "divide"),
        ({"timedelta": {"fortnights": 2}}, "fortnights"),
        ("daily", "neither"),
        (True, "neither"),
        (None, "neither"),
    ],
)
def test_a_schedule_that_cannot_be_said_exactly_is_refused(schedule: Any, said: str) -> None:
    text = _schedule(a={**TASK, "schedule": schedule})
    assert said in reason(read_celery, text, Setting("UTC"))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**TASK, "args": [1]}, "positional"),
        ({**TASK, "task": "report"}, "dotted name"),
        ({**TASK, "options": {"expires": 10}}, "expires"),
        ({**TASK, "colour": "red"}, "colour"),
        ("text", "no mapping"),
    ],
)
def test_an_entry_that_is_more_than_a_call_is_refused(entry: Any, said: str) -> None:
    assert said in reason(read_celery, _schedule(a=entry), NO_SETTING)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "assigns 0 beat schedules"),
        ("beat_schedule = make()\n", "written out as a dict"),
        ("beat_schedule = {}\nbeat_schedule = {}\n", "assigns 2"),
        ("beat_schedule = {name: {}}\n", "not written out as a text"),
        ("beat_schedule = {**others}\n", "not written out as a text"),
        ("timezone = zone()\nbeat_schedule = {}\n", "time zone is not written out"),
        ("x = (\n", "nor Python"),
        ("beat_schedule = {'a': " + "+".join("1" * 900) + "}\n", "nothing of the file is run"),
        ("[1, 2]", "no beat_schedule"),
    ],
)
def test_a_file_that_holds_no_literal_schedule_is_refused(text: str, said: str) -> None:
    assert said in reason(read_celery, text, NO_SETTING)


def _dump(**fields: Any) -> str:
    task: dict[str, Any] = {
        "name": "nightly",
        "task": "shop.tasks.report",
        "args": "[]",
        "kwargs": '{"a": 1}',
        "headers": "{}",
    }
    task |= {"enabled": True, "one_off": False, "expires": None, "start_time": None, "crontab": 4, "interval": None}
    crontab = {"minute": "0", "hour": "3", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    rows = [
        {"model": "django_celery_beat.crontabschedule", "pk": 4, "fields": {**crontab, "timezone": "Europe/Rome"}},
        {"model": "django_celery_beat.intervalschedule", "pk": 4, "fields": {"every": 2, "period": "hours"}},
        {"model": "django_celery_beat.periodictasks", "pk": 1, "fields": {"last_update": "2026-01-01T00:00:00Z"}},
        {"model": "django_celery_beat.periodictask", "pk": 1, "fields": {**task, **fields}},
    ]
    return json.dumps(rows)


def test_a_dump_of_django_joins_tasks_with_their_schedules() -> None:
    text = _dump(one_off=True, start_time="2026-02-01T00:00:00Z", description="All of it")
    document = only(read_celery, text, NO_SETTING)
    assert (document["cronExpression"], document["timezone"]) == ("0 3 * * *", "Europe/Rome")
    assert (document["maxExecutions"], document["startDate"]) == (1, "2026-02-01T00:00:00Z")
    assert (document["description"], document["config"]["parameters"]) == ("All of it", {"a": 1})
    every = only(read_celery, _dump(crontab=None, interval=4), NO_SETTING)
    assert every["cronExpression"] == "0 0 */2 * * *"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"enabled": False}, "not enabled"),
        ({"crontab": None}, "names 0 schedules"),
        ({"interval": 4}, "names 2 schedules"),
        ({"crontab": 9}, "not in the dump"),
        ({"expires": "2026-01-01T00:00:00Z"}, "expires"),
        ({"headers": '{"a": 1}'}, "headers"),
        ({"kwargs": "{"}, "no JSON"),
        ({"args": "[1]"}, "positional"),
        ({"crontab": None, "clocked": 1}, "not in the dump"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_dumped_task_that_cannot_be_said_exactly_is_refused(fields: dict[str, Any], said: str) -> None:
    assert said in reason(read_celery, _dump(**fields), NO_SETTING)
