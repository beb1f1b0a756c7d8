"""A CronJob runs when Kubernetes would run it, and what is lost of it is told."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.cli.importing.kubernetes import kubernetes_expression, read_kubernetes
from horolog.cli.importing.port import Setting
from horolog.cli.importing.schedules import NotMapped
from horolog.domain.cron import fires_between, parse, zone
from tests.unit.cli.importing.reading import START, fires, notes, only, reason

MANIFEST = """apiVersion: batch/v1
kind: CronJob
metadata:
  name: backup
  namespace: shop
  labels: {app: backup}
spec:
  schedule: "30 3 * * 1-5"
  timeZone: Europe/Berlin
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 600
  jobTemplate:
    spec:
      backoffLimit: 2
      activeDeadlineSeconds: 900
      template:
        spec:
          restartPolicy: Never
          serviceAccountName: backup
          containers:
            - name: main
              image: registry.example.org/backup:7
              command: [/usr/bin/backup, --all]
              args: [/data]
              workingDir: /srv
              env:
                - {name: MODE, value: full}
                - name: PASSWORD
                  valueFrom: {secretKeyRef: {name: backup, key: PASSWORD}}
"""


def test_a_manifest_becomes_a_command_job() -> None:
    assert only(read_kubernetes, MANIFEST) == {
        "name": "shop/backup",
        "cronExpression": "30 3 * * 1-5",
        "timezone": "Europe/Berlin",
        "jobType": "command",
        "config": {
            "command": "/usr/bin/backup",
            "args": ["--all", "/data"],
            "workingDirectory": "/srv",
            "environment": {"MODE": "full", "PASSWORD": "secret://backup.password"},
        },
        "retryConfig": {
            "maxRetries": 2,
            "retryDelayMs": 10_000,
            "retryOnErrorTypes": ["TIMEOUT", "NETWORK_ERROR", "VALIDATION_ERROR", "SYSTEM_ERROR", "USER_ERROR"],
            "maxRetryDelayMs": 360_000,
        },
        "timeout": 900,
        "tags": ["kubernetes", "namespace:shop"],
        "misfire": {"maxAge": 600},
    }


def test_what_is_lost_is_told() -> None:
    told = notes(read_kubernetes, MANIFEST)
    for said in (
        "the image registry.example.org/backup:7 is not used",
        "not taken over: serviceAccountName",
        "labels and annotations",
        "activeDeadlineSeconds holds for all attempts together",
        "PASSWORD is secret://backup.password",
        "config.environment.MODE: kept secret here",
        "is skipped here",
        "when clocks change",
    ):
        assert said in told


def test_defaults_of_kubernetes_are_written_out_and_told() -> None:
    text = MANIFEST.replace("  concurrencyPolicy: Forbid\n  startingDeadlineSeconds: 600\n", "")
    text = text.replace("      backoffLimit: 2\n      activeDeadlineSeconds: 900\n", "")
    found = only(read_kubernetes, text)
    assert (found["maxConcurrent"], found["timeout"], found["misfire"]) == (10_000, 86_400, {"maxAge": 604_800})
    assert found["retryConfig"]["maxRetries"] == 6
    told = notes(read_kubernetes, text)
    assert all(said in told for said in ("Allow has no bound", "no time limit", "within 7 days"))


def test_replace_cancels_the_run_before() -> None:
    found = only(read_kubernetes, MANIFEST.replace("Forbid", "Replace"))
    assert found["overlap"] == {"policy": "cancelRunning"}


def test_a_list_of_kubectl_and_several_documents_are_read() -> None:
    items = "\n".join(f"  {line}" for line in MANIFEST.splitlines()).replace("  apiVersion", "- apiVersion", 1)
    listed = f"apiVersion: v1\nkind: List\nitems:\n{items}\n"
    found = read_kubernetes(
        f"{listed}---\nkind: Deployment\n---\n{MANIFEST.replace('name: backup', 'name: b', 1)}", Setting()
    )
    assert [entry.document["name"] for entry in found.entries] == ["shop/backup", "shop/b"]
    assert [(one.place, one.reason) for one in found.unmapped] == [("line 34", "is Deployment, and no CronJob")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  timeZone: Europe/Berlin\n", "", "names no time zone"),
        ("timeZone: Europe/Berlin", "timeZone: Mars/Base", "timezone:"),
        ("timeZone: Europe/Berlin", "suspend: true", "is suspended"),
        ("timeZone: Europe/Berlin", 'suspend: "true"', "is suspended"),
        ("batch/v1", "batch/v1beta1", "only batch/v1"),
        ("Forbid", "Sometimes", "not known"),
        ("600", "9999999", "startingDeadlineSeconds"),
        ("backoffLimit: 2", "backoffLimit: 200", "maxRetries"),
        ("backoffLimit: 2", "parallelism: 2", "parallelism"),
        ("backoffLimit: 2", "podFailurePolicy: {}", "podFailurePolicy"),
        ("restartPolicy: Never", "volumes: []", "volumes"),
        ("restartPolicy: Never", "initContainers: []", "initContainers"),
        ("              command: [/usr/bin/backup, --all]\n", "", "names no command"),
        ("args: [/data]", 'args: ["$(HOME)"]', "replaced by Kubernetes"),
        ("secretKeyRef", "fieldRef", "only secretKeyRef"),
        ("workingDir: /srv", "envFrom: []", "envFrom"),
        ('"30 3 * * 1-5"', '"@every 1h"', "counted from no instant"),
        ('"30 3 * * 1-5"', '"TZ=UTC 30 3 * * *"', "time zone within it"),
        ('"30 3 * * 1-5"', '"30 3 * * 7"', "no day of the week 7"),
        ('"30 3 * * 1-5"', '"30 3 * * FRI-MON"', "not understood"),
        ('"30 3 * * 1-5"', '"0 30 3 * * 1"', "6 fields"),
        ('"30 3 * * 1-5"', '"30 3 L * *"', "not understood"),
        ('"30 3 * * 1-5"', '"61 3 * * *"', "minute"),
    ],
)
def test_what_cannot_be_said_exactly_is_refused(old: str, new: str, said: str) -> None:
    assert old in MANIFEST
    assert said in reason(read_kubernetes, MANIFEST.replace(old, new, 1), Setting())


def test_a_zone_that_was_given_is_used() -> None:
    text = MANIFEST.replace("  timeZone: Europe/Berlin\n", "")
    assert only(read_kubernetes, text, Setting("Asia/Tokyo"))["timezone"] == "Asia/Tokyo"


def test_a_file_that_is_no_yaml_is_told() -> None:
    assert "twice" in reason(read_kubernetes, "kind: CronJob\nkind: CronJob\n")


# 2026-01-01 is a Thursday; instants computed by hand.
@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ("0 0 13 * FRI", ["01-02 00:00:00", "01-09 00:00:00", "01-13 00:00:00"]),
        ("0 0 */2 * MON", ["01-03 00:00:00", "01-05 00:00:00", "01-07 00:00:00"]),
        ("0 0 */1 * MON", ["01-05 00:00:00", "01-12 00:00:00", "01-19 00:00:00"]),
        ("0 0 *,5 * MON", ["01-05 00:00:00", "01-12 00:00:00", "01-19 00:00:00"]),
        ("0 0 ? * 1", ["01-05 00:00:00", "01-12 00:00:00", "01-19 00:00:00"]),
        ("5/20 1 * * *", ["01-01 01:05:00", "01-01 01:25:00", "01-01 01:45:00"]),
        ("@weekly", ["01-04 00:00:00", "01-11 00:00:00", "01-18 00:00:00"]),
    ],
)
def test_the_day_rule_is_that_of_kubernetes(schedule: str, first: list[str]) -> None:
    assert fires(kubernetes_expression(schedule), 3) == first


def _terms(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    base = st.one_of(st.sampled_from(["*", "?"]), number.map(str), st.tuples(number, number).map(_range))
    step = st.sampled_from(["", "/1", "/2", "/5"])
    return st.lists(st.tuples(base, step).map("".join), min_size=1, max_size=2).map(",".join)


def _range(bounds: tuple[int, int]) -> str:
    return f"{min(bounds)}-{max(bounds)}"


def _robfig(field: str, low: int, high: int) -> tuple[set[int], bool]:
    """What robfig/cron's getField computes: the set, and whether its star bit is set."""
    chosen: set[int] = set()
    star = False
    for term in field.split(","):
        base, _, step_text = term.partition("/")
        step = int(step_text or "1")
        first, last = (low, high) if base in ("*", "?") else (int(base.split("-")[0]), int(base.split("-")[-1]))
        if step_text and base.isdecimal():
            last = high
        star = star or (base in ("*", "?") and step == 1)
        chosen.update(range(first, last + 1, step))
    return chosen, star


@settings(max_examples=200, database=None, deadline=None)
@given(day=_terms(1, 31), month=_terms(1, 12), weekday=_terms(0, 6))
def test_any_days_are_those_that_robfig_cron_computes(day: str, month: str, weekday: str) -> None:
    days, any_day = _robfig(day, 1, 31)
    weekdays, any_weekday = _robfig(weekday, 0, 6)
    months = _robfig(month, 1, 12)[0]

    def matches(date: Any) -> bool:
        pair = (date.day in days, date.isoweekday() % 7 in weekdays)
        return date.month in months and (all(pair) if any_day or any_weekday else any(pair))

    dates = [START + timedelta(days=number) for number in range(1, 500)]
    try:
        spec = parse(kubernetes_expression(f"0 0 {day} {month} {weekday}"))
    except NotMapped:
        raise AssertionError("every such schedule is Kubernetes' own") from None
    except ValueError:
        # Days that none of the months has.
        assert not any(map(matches, dates))
        return
    assert fires_between(spec, zone("UTC"), START, dates[-1], 1000) == [date for date in dates if matches(date)]
