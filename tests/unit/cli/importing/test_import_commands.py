"""The samples of every source, through the commands: a file that apply reads, and a report of all the rest."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from horolog.cli.__main__ import main
from horolog.cli.applying.job_files import Source, read_jobs

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"


class Sample(NamedTuple):
    """A source of the examples, the jobs that it becomes, and a word of each reason for the rest."""

    source: str
    file: str
    options: tuple[str, ...]
    names: tuple[str, ...]
    reasons: tuple[str, ...]


SAMPLES = (
    Sample("kubernetes", "cronjobs.yaml", (), ("shop/report",), ("names no time zone", "volume")),
    Sample("celery", "beat_schedule.json", (), ("report", "first monday", "ping"), ("at once", "sun")),
    Sample(
        "xxl-job",
        "xxl_job_info.csv",
        ("--tz", "Asia/Shanghai", "--handler-url", "https://handlers.example.org/{handler}"),
        ("daily report (xxl-job 1)", "heartbeat (xxl-job 2)", "disk (xxl-job 3)"),
        ("SHARDING_BROADCAST", "is stopped"),
    ),
    Sample(
        "bullmq",
        "job_schedulers.json",
        ("--handler-url", "https://handlers.example.org/{name}"),
        ("mail/digest", "mail/poll"),
        ("divide", "names no time zone"),
    ),
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.source)
def test_a_sample_becomes_a_file_that_apply_reads_and_a_report(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "jobs.yaml"
    assert main(["import", sample.source, str(EXAMPLES / sample.file), *sample.options, "-o", str(out)]) == 1
    wanted = read_jobs([Source("jobs.yaml", out.read_text(encoding="utf-8"))])
    assert wanted.problems == ()
    assert tuple(job.name for job in wanted.jobs) == sample.names
    report = capsys.readouterr().err.splitlines()
    unmapped = [line for line in report if line.startswith("not mapped: ")]
    assert all(reason in line for reason, line in zip(sample.reasons, unmapped, strict=True))
    assert report[-1] == f"{len(sample.names)} of {len(sample.names) + len(sample.reasons)} taken over."


def test_a_crontab_becomes_a_file_too_and_no_server_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, plain = tmp_path / "jobs.yaml", tmp_path / "crontab"
    plain.write_text("@daily df -h\n*/5 * * * * cd /tmp && ls\n@reboot run\n")
    assert (
        main(["import", "crontab", str(plain), "--tz", "Europe/Berlin", "-o", str(out), "--url", "http://x.y:1"]) == 1
    )
    wanted = read_jobs([Source("jobs.yaml", out.read_text(encoding="utf-8"))])
    assert [(job.name, job.body["timezone"]) for job in wanted.jobs] == [
        ("df -h", "Europe/Berlin"), ("cd /tmp && ls", "Europe/Berlin"),
    ]  # fmt: skip
    report = capsys.readouterr().err
    assert "line 2: cd /tmp && ls: runs as /bin/sh -c" in report
    assert "not mapped: line 3: @reboot" in report


def test_machines_get_places_notes_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "kubernetes", str(EXAMPLES / "cronjobs.yaml"), "--tz", "UTC", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["place"] for one in told["jobs"]] == ["line 2", "line 24"]
    assert [one["place"] for one in told["unmapped"]] == ["line 40"]
    assert all(one["notes"] for one in told["jobs"])


def test_a_source_that_was_taken_over_whole_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "celeryconfig.py"
    file.write_text("beat_schedule = {'a': {'task': 'shop.tasks.ping', 'schedule': 30}}\n")
    assert main(["import", "celery", str(file)]) == 0
    assert capsys.readouterr().out.startswith(f"# Taken over from {file}.\njobs:\n  - name: a\n")


def test_wrong_uses_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "celery", str(tmp_path / "missing")]) == 2
    assert main(["import", "celery", str(EXAMPLES / "beat_schedule.json"), "--tz", "Mars"]) == 2
    (tmp_path / "latin").write_bytes(b"\xe9")
    assert main(["import", "celery", str(tmp_path / "latin")]) == 2
    assert "not UTF-8" in capsys.readouterr().err
