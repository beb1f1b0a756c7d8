"""A crontab means what cron would make of it, or the line is named with the reason."""

import json
from pathlib import Path

import pytest

from horolog.cli.__main__ import main
from horolog.cli.crontab import CronEntry, Surroundings, has_user_column, read_crontab
from horolog.cli.definition_check import definition_problems
from horolog.cli.machine_zone import machine_zone
from tests.unit.cli.fake_api import FakeApi, job

OWN = Surroundings("Europe/Berlin", user_column=False)
SYSTEM = Surroundings("UTC", user_column=True, current_user="me")
SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "crontab"


def _one(text: str, surroundings: Surroundings = OWN) -> CronEntry:
    found = read_crontab(text, surroundings)
    assert not found.refused
    return found.entries[-1]


def _reason(text: str, surroundings: Surroundings = OWN) -> str:
    found = read_crontab(text, surroundings)
    assert not found.entries
    return found.refused[-1].reason


@pytest.mark.parametrize(
    ("line", "command", "args"),
    [
        ("* * * * * df -h", "df", ["-h"]),
        ("*/5 1-3,7 * jan MON \t df\t-h  / ", "df", ["-h", "/"]),
        ("0 0 * * * /opt/a/run --name='a b' \"c d\"", "/opt/a/run", ["--name=a b", "c d"]),
        (r"0 0 * * * date +\%F", "date", ["+%F"]),
        ("@daily rsync -a src:/x /y", "rsync", ["-a", "src:/x", "/y"]),
    ],
)
def test_a_line_to_which_a_shell_would_add_nothing_is_a_plain_command(line: str, command: str, args: list[str]) -> None:
    config = _one(line).body()["config"]
    assert config == {"command": command, "args": args}


@pytest.mark.parametrize(
    "line",
    [
        "df -h | mail root",
        "df > /tmp/x",
        "cd /x && ./run",
        "echo $HOME",
        'run "$HOME"',
        "ls *.log",
        "ls ~/x",
        "test -f /x",
        "[ -f /x ]",
        "A=1 run",
        "a; b",
        "run &",
        "run `date`",
        "run a\\ b",
        "run 'open",
        "( run )",
        "run # note",
        "run {a,b}",
        "! run",
        ". /etc/profile",
    ],
)
def test_a_line_that_needs_a_shell_is_given_to_one_whole(line: str) -> None:
    entry = _one(f"* * * * * {line}")
    assert (entry.command, entry.args) == ("/bin/sh", ("-c", line))


def test_environment_lines_hold_for_what_is_below_them() -> None:
    text = "* * * * * a\nPATH = /bin:/usr/bin\nHOME='/var/lib/x'\nSHELL=/bin/bash\nMAILTO=me\nEMPTY=\n* * * * * b | c"
    first, second = read_crontab(text, OWN).entries
    assert first.environment == ()
    assert second.command == "/bin/bash"
    config = second.body()["config"]
    assert isinstance(config, dict)
    assert config["environment"] == {
        "PATH": "/bin:/usr/bin",
        "HOME": "/var/lib/x",
        "SHELL": "/bin/bash",
        "EMPTY": "",
    }
    assert config["workingDirectory"] == "/var/lib/x"
    assert "MAILTO" in second.notes[0]


def test_the_time_zone_is_that_of_the_machine_until_a_cron_tz_line() -> None:
    text = "@daily a\nCRON_TZ=Asia/Tokyo\n@daily b\nTZ=Europe/Paris\n@daily c\nCRON_TZ=\n@daily d"
    zones = [entry.timezone for entry in read_crontab(text, OWN).entries]
    assert zones == ["Europe/Berlin", "Asia/Tokyo", "Asia/Tokyo", "Europe/Berlin"]


def test_lines_below_a_bad_cron_tz_are_not_run_in_the_wrong_zone() -> None:
    assert "'Mars'" in _reason("CRON_TZ=Mars\n@daily a")


def test_the_user_column_becomes_a_tag_and_is_named_unless_it_is_our_own() -> None:
    entry = _one("*/5 *\t* * *\troot  test -x /usr/sbin/anacron || run-parts /etc", SYSTEM)
    assert entry.body()["tags"] == ["crontab", "user:root"]
    assert "root" in entry.notes[0]
    assert _one("@daily me df", SYSTEM).notes == ()
    assert "no command" in _reason("@daily root", SYSTEM)


@pytest.mark.parametrize(
    ("path", "column"),
    [("/etc/crontab", True), ("/etc/cron.d/x", True), ("/var/spool/cron/crontabs/me", False), ("-", False)],
)
def test_the_user_column_is_told_from_the_path(path: str, column: bool) -> None:
    assert has_user_column(path, "auto") is column
    assert has_user_column(path, "yes")
    assert not has_user_column(path, "no")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("@reboot run", "@reboot"),
        ("@sometimes run", "not a macro"),
        ("@daily", "no command"),
        ("* * * * *", "five time fields"),
        ("61 * * * * run", "minute: 61"),
        ("0 0 30 2 * run", "never comes"),
        ("* * * * * mail me%Hello", "unescaped %"),
        ("* * * * * date +%F", "unescaped %"),
        ("nonsense", "five time fields"),
    ],
)
def test_a_line_that_cannot_be_taken_over_says_why(line: str, reason: str) -> None:
    found = read_crontab(f"# a comment\n\n{line}\n", OWN)
    assert [refused.line for refused in found.refused] == [3]
    assert reason in found.refused[0].reason


def test_names_are_unique_within_a_file_and_not_too_long() -> None:
    text = "\n".join(["@daily run  it", "@hourly run it", "@weekly run it", "@daily x" + "y" * 500])
    names = [entry.name for entry in read_crontab(text, OWN).entries]
    assert names[:3] == ["run it", "run it (2)", "run it (3)"]
    assert len(names[3]) <= 200


def test_differences_from_cron_are_named() -> None:
    assert "both day fields" in _one("0 0 */2 * MON run").notes[0]
    assert "step without a range" in _one("5/15 * * * * run").notes[0]
    assert _one("0 0 1 * MON run").notes == ()


def test_every_entry_of_the_sample_is_a_good_job() -> None:
    found = read_crontab(SAMPLE.read_text(encoding="utf-8"), OWN)
    assert (len(found.entries), len(found.refused)) == (6, 3)
    assert [definition_problems(entry.body()) for entry in found.entries] == [[]] * 6


def test_a_dry_run_only_reports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "crontab", str(SAMPLE), "--dry-run", "--tz", "UTC", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["taken"], report["refused"]) == (6, 3)
    assert [row["line"] for row in report["lines"]] == [7, 8, 11, 12, 15, 18, 21, 22, 23]


def test_an_import_creates_jobs_and_reports_what_the_api_refused(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "crontab"
    file.write_text("@daily a\n@hourly b\n")
    api.tell("POST", "/jobs", job(), 201)
    api.refuse("POST", "/jobs", 400, "QUOTA_EXCEEDED")
    assert main(["import", "crontab", str(file), "--url", api.url]) == 1
    text = capsys.readouterr().out
    assert "QUOTA_EXCEEDED" in text
    assert "1 of 2 lines taken over, 1 refused." in text
    assert [asked.body["name"] for asked in api.asked] == ["a", "b"]


def test_an_import_without_an_api_stops_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "crontab"
    file.write_text("@daily a\n")
    assert main(["import", "crontab", str(file), "--url", "http://127.0.0.1:1"]) == 3
    assert "UNREACHABLE" in capsys.readouterr().err


def test_the_machines_zone_is_read_from_its_files(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    assert machine_zone(tmp_path) == "UTC"
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/America/New_York")
    assert machine_zone(tmp_path) == "America/New_York"
    (etc / "timezone").write_text("Europe/Berlin\n")
    assert machine_zone(tmp_path) == "Europe/Berlin"
    (etc / "timezone").write_text("Nowhere/Land\n")
    assert machine_zone(tmp_path) == "America/New_York"
