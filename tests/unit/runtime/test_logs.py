"""Lines of the log: what they hold, where they go, and from which level on."""

import json
import logging
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from horolog.runtime.log_settings import LogSettings, log_settings
from horolog.runtime.logs import OURS, JsonLine, OwnFile, configure_logs, log_fields
from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError

MODULES = (*OURS, "horolog.log", "services.ticker", "aiokafka.conn")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What is configured here is undone."""
    root, former = logging.getLogger(), logging.getLogger().handlers[:]
    levels = {name: logging.getLogger(name).level for name in ("root", *MODULES)}
    yield
    for handler in root.handlers:
        if isinstance(handler, OwnFile):
            handler.close()
    root.handlers[:] = former
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def line(**fields: object) -> dict[str, object]:
    """A line with these fields added to it."""
    record = logging.getLogger("horolog").makeRecord("horolog", 20, "f", 1, "told %s", ("x",), None, extra=fields)
    told: dict[str, object] = json.loads(JsonLine().format(record))
    return told


def test_line_has_the_fields_that_are_listed_and_no_other() -> None:
    told = line(tenant_id="t", execution_id="e", trace_id="f", password="hush", definition={"a": "hush"})
    assert (told["message"], told["level"], told["logger"]) == ("told x", "info", "horolog")
    assert told.keys() == {"time", "level", "logger", "message", "tenant_id", "execution_id", "trace_id"}


def test_fields_of_the_surroundings_are_in_every_line_until_they_end() -> None:
    with log_fields(tenant_id="t", password="hush") as outer:
        outer["trace_id"] = "f"
        with log_fields(job_id="j"):
            inner = line(tenant_id="of the line")
        assert (inner["tenant_id"], inner["job_id"], inner["trace_id"]) == ("of the line", "j", "f")
        assert "job_id" not in line()
    assert line().keys() == {"time", "level", "logger", "message"}


def test_level_is_for_everything_of_ours_and_others_are_for_modules() -> None:
    configure_logs(
        log_settings({"HOROLOG_LOG_LEVEL": "Error, horolog.log=debug,services.ticker=warning,aiokafka.conn=INFO"}), "x"
    )
    levels = {name: logging.getLogger(name).getEffectiveLevel() for name in (*MODULES, "horolog.log.owner", "aiokafka")}
    assert levels["horolog"] == levels["services"] == levels["projections"] == logging.ERROR
    assert levels["horolog.log"] == levels["horolog.log.owner"] == logging.DEBUG
    assert levels["services.ticker"] == levels["aiokafka"] == logging.WARNING
    assert levels["aiokafka.conn"] == logging.INFO


def test_older_name_of_the_level_counts_where_the_other_is_not_given() -> None:
    assert from_environment({}).logs.level == "info"
    assert from_environment({"LOG_LEVEL": "warning"}).logs.level == "warning"
    assert log_settings({"LOG_LEVEL": "debug", "HOROLOG_LOG_LEVEL": "error"}).level == "error"
    assert log_settings({"LOG_LEVEL": ""}, "warning").level == "warning"
    assert log_settings({"LOG_LEVEL": "horolog.log=debug"}, "warning").level == "warning"


@pytest.mark.parametrize(
    "text", ["loud", "info,loud", "horolog=loud", "info,debug", "a b=info", "a=info,a=debug", "=x"]
)
@pytest.mark.parametrize("name", ["LOG_LEVEL", "HOROLOG_LOG_LEVEL"])
def test_level_that_is_none_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} "):
        from_environment({name: text})


@pytest.mark.parametrize(
    "setting", [("HOROLOG_LOG_FILE_MB", "0"), ("HOROLOG_LOG_FILE_COUNT", "many"), ("HOROLOG_LOG_FILE", "/")]
)
def test_file_that_cannot_be_meant_is_refused_by_name(setting: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match=f"^{setting[0]} "):
        log_settings(dict([setting]))


def filed(tmp_path: Path) -> LogSettings:
    return LogSettings(file=tmp_path / "horolog.log", file_bytes_max=2000, file_count=2)


def test_file_is_rotated_and_takes_no_more_room_than_it_may(tmp_path: Path) -> None:
    configure_logs(filed(tmp_path), "ticker")
    for number in range(100):
        logging.getLogger("horolog.log").info("line %d", number)
    files = sorted(path for path in tmp_path.iterdir() if not path.name.endswith(".lock"))
    assert [path.name for path in files] == ["horolog-ticker.log", "horolog-ticker.log.1", "horolog-ticker.log.2"]
    assert all(path.stat().st_size <= 2000 for path in files)
    assert json.loads(files[0].read_text().splitlines()[-1])["message"] == "line 99"
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_two_processes_do_not_write_to_one_file(tmp_path: Path) -> None:
    configure_logs(filed(tmp_path), "ticker")
    other, refusal = (
        OwnFile(tmp_path / "horolog-dispatcher.log", 2000, 2),
        "another process writes to horolog-dispatcher",
    )
    with closing(other), pytest.raises(SettingsError, match=refusal):
        configure_logs(filed(tmp_path), "dispatcher")
    configure_logs(filed(tmp_path), "dispatcher")


def test_file_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"HOROLOG_LOG_FILE: horolog-api\.log cannot be written to: No such"):
        configure_logs(filed(tmp_path / "missing"), "api")
