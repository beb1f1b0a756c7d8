"""What a service says when it ends because of something that it knows of."""

import errno
import os

import pytest

from horolog.cli.serve import REFUSED, UNREACHABLE, explained
from horolog.log.port import LogUnavailable
from horolog.runtime.settings_error import SettingsError

NO_DESCRIPTOR = OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/proc/self/statm")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SettingsError("a port is no number"), REFUSED, "a port is no number"),
        (LogUnavailable("no broker"), UNREACHABLE, "no broker"),
        (NO_DESCRIPTOR, UNREACHABLE, "Too many open files: '/proc/self/statm'"),
        (ExceptionGroup("unhandled errors in a TaskGroup", [NO_DESCRIPTOR]), UNREACHABLE, "/proc/self/statm"),
    ],
)
def test_what_ended_a_service_is_told_however_deep_it_lies(
    error: Exception, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explained(BaseExceptionGroup("serve", [error])) == code
    told = capsys.readouterr().err
    assert told.startswith("horolog: ")
    assert said in told


def test_what_nobody_foresaw_is_raised_again() -> None:
    with pytest.raises(BaseExceptionGroup):
        explained(BaseExceptionGroup("serve", [ExceptionGroup("deeper", [ZeroDivisionError()])]))
