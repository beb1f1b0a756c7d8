"""What callers send is read strictly; what was written, and what is built here, is not."""

import pytest
from pydantic import ValidationError

from schemas.http_resume import ResumeBody
from schemas.jobs import JobDefinition, Misfire

CONFIG = {"url": "http://a", "method": "GET", "timeout": "5"}
SENT = {"name": "a", "cronExpression": "* * * * *", "jobType": "http", "config": CONFIG, "timeout": "7"}


def test_what_is_sent_is_read_strictly_down_to_its_parts() -> None:
    with pytest.raises(ValidationError) as refused:
        JobDefinition.read(SENT)
    assert [error["loc"] for error in refused.value.errors()] == [("config", "timeout"), ("timeout",)]


def test_what_was_written_once_stays_readable() -> None:
    written = JobDefinition.model_validate_json(b'{"maxConcurrent":"2","misfire":{"maxCount":"7"},' + _json()[1:])
    assert (written.timeout, written.max_concurrent, written.misfire.max_count) == (7, 2, 7)


def test_names_of_python_build_values_here_and_are_refused_from_callers() -> None:
    assert Misfire(max_age=60) == Misfire.read({"maxAge": 60})
    with pytest.raises(ValidationError):
        Misfire.read({"max_age": 60})
    with pytest.raises(ValidationError):
        ResumeBody.model_validate({"catch_up": True})


def _json() -> bytes:
    return (
        b'{"name":"a","cronExpression":"* * * * *","jobType":"http",'
        b'"config":{"url":"http://a","method":"GET","timeout":"5"},"timeout":"7"}'
    )
