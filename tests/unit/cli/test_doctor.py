"""The doctor finds what is wrong, says what to do, and never fails itself."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from horolog.adapters.system import SystemClock
from horolog.cli.__main__ import main
from horolog.cli.doctor import data_access, examine, open_files, program, python_version
from horolog.cli.doctor_findings import clock_skew, worst
from tests.unit.cli.fake_api import FakeApi


class StoppedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits here, not even {seconds} s")


def test_thresholds_are_judged() -> None:
    assert python_version((3, 10, 9)).state == "fail"
    assert python_version((3, 12, 0)).state == "ok"
    assert open_files(256).state == "warn"
    assert open_files(None).state == "ok"
    assert program("no-such-program-here", "nothing").state == "warn"
    assert [clock_skew(skew).state for skew in (0.2, -3.0, 60.0)] == ["ok", "warn", "fail"]


def test_a_data_directory_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    assert data_access(tmp_path / "new" / "deep").state == "ok"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    assert data_access(tmp_path / "file").state == "fail"


async def test_services_that_do_not_answer_are_findings(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{bound.getsockname()[1]}"
        environment = {
            "HOROLOG_HOME": str(tmp_path),
            "DATABASE_URL": f"postgresql://u:p@{place}/d",
            "REDIS_URL": f"redis://{place}/0",
            "KAFKA_BOOTSTRAP_SERVERS": place,
        }
        findings = await examine(f"http://{place}", environment, StoppedClock())
    states = {finding.check: finding.state for finding in findings}
    assert (states["api"], states["database"], states["redis"], states["log"]) == ("warn", "fail", "warn", "fail")
    assert worst(findings) == "fail"
    assert all(finding.advice for finding in findings if finding.state != "ok")


async def test_a_file_of_a_secret_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    environment = {"HOROLOG_HOME": str(tmp_path), "DATABASE_URL_FILE": str(tmp_path / "none")}
    findings = await examine("http://127.0.0.1:1", environment, StoppedClock())
    assert next(finding.state for finding in findings if finding.check == "settings") == "fail"


@pytest.mark.parametrize(
    ("body", "state"), [({"status": "healthy"}, "ok"), ({"status": "unhealthy"}, "warn"), ([], "warn"), (b"<", "warn")]
)
async def test_an_api_is_healthy_or_not(api: FakeApi, tmp_path: Path, body: object, state: str) -> None:
    api.tell("GET", "/health", body)
    findings = await examine(api.url, {"HOROLOG_HOME": str(tmp_path)}, StoppedClock())
    assert next(finding for finding in findings if finding.check == "api").state == state


async def test_real_servers_are_in_order(postgres_dsn: str, redis_url: str, tmp_path: Path) -> None:
    environment = {"HOROLOG_HOME": str(tmp_path), "DATABASE_URL": postgres_dsn, "REDIS_URL": redis_url}
    findings = await examine("http://127.0.0.1:1", environment, SystemClock())
    states = {finding.check: finding.state for finding in findings}
    assert (states["database"], states["redis"]) == ("ok", "ok")
    clocks = [finding for finding in findings if finding.check == "clock"]
    assert [(clock.state, clock.found.rpartition(" ")[2]) for clock in clocks] == [("ok", "database"), ("ok", "redis")]


def test_the_command_answers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--url", "http://127.0.0.1:1"]) in {0, 1}
    report = json.loads(capsys.readouterr().out)
    assert report["state"] in {"ok", "warn", "fail"}
    assert {check["check"] for check in report["checks"]} >= {"python", "time zones", "data directory", "api"}
