"""A request is repeated where that is safe, and only there; whatever comes is an answer, or an error that says it."""

from typing import Any

import pytest

from horolog.client.errors import (
    OF_CODE,
    Invalid,
    NoAnswer,
    NotTheApi,
    PartitionUnowned,
    Refused,
    Unreachable,
    refusal,
)
from horolog.client.exchange import Patience, exchange
from horolog.client.wire import KEY_HEADER, Outcome, Reply, changing, posting, reading
from services.api.errors import STATUS_OF_CODE
from tests.unit.client.playing import NO_ANSWER, NOBODY_LISTENS, Play, play, refused, reply, terms

READ = reading("/jobs")
CHANGE = changing("POST", "/jobs", {"name": "a"}, "key")
JUDGE = posting("/api/v1/auth/token", {}, is_repeatable=False)
BUSY = refused(503, "LOCK_ACQUISITION_FAILED", {"commandId": "c"}, retry_after="2")


def test_a_change_whose_answer_is_lost_is_sent_again_under_the_same_key() -> None:
    played = play(exchange(CHANGE, terms()), [NO_ANSWER, reply(201, {"id": "1"})])
    assert played.result is not None
    assert played.result.body == {"id": "1"}
    assert [request.headers[KEY_HEADER] for request in played.sent] == ["key", "key"]


@pytest.mark.parametrize(
    "outcome", [NO_ANSWER, BUSY, reply(502, {"x": 1}), refused(429, "RATE_LIMITED", retry_after="1")]
)
def test_what_is_safe_is_tried_a_bounded_number_of_times(outcome: Outcome) -> None:
    for request in (READ, CHANGE):
        played = play(exchange(request, terms(patience=Patience(try_count_max=3))), [outcome])
        assert (len(played.sent), len(played.pauses)) == (3, 2)
        assert played.error is not None


@pytest.mark.parametrize("outcome", [NO_ANSWER, BUSY, reply(502, {"x": 1})])
def test_what_is_neither_a_read_nor_has_a_key_is_sent_once(outcome: Outcome) -> None:
    assert len(play(exchange(JUDGE, terms()), [outcome]).sent) == 1


@pytest.mark.parametrize("code", ["JOB_NOT_FOUND", "VERSION_CONFLICT", "INTERNAL_ERROR", "QUOTA_EXCEEDED"])
def test_a_refusal_that_a_repeat_does_not_mend_is_told_at_once(code: str) -> None:
    assert len(play(exchange(CHANGE, terms()), [refused(STATUS_OF_CODE[code], code, retry_after="1")]).sent) == 1


def test_pauses_grow_and_retry_after_is_never_undercut() -> None:
    patience = Patience(try_count_max=4, pause_s=0.2)
    assert play(exchange(READ, terms(patience=patience)), [NO_ANSWER]).pauses == [0.2, 0.4, 0.8]
    assert play(exchange(READ, terms(patience=patience)), [BUSY]).pauses == [2.2, 2.2, 2.2]
    assert patience.pause_after(1, None, 0.0) == pytest.approx(0.1)
    assert patience.pause_after(1, "2", 0.0) == 2.0


def test_who_is_told_to_come_again_much_later_is_told_so_instead_of_waiting() -> None:
    played = play(exchange(READ, terms()), [refused(429, "RATE_LIMITED", retry_after="3600")])
    assert (len(played.sent), played.pauses) == (1, [])


def test_where_nobody_listens_it_is_tried_again_unless_that_is_not_wanted() -> None:
    played = play(exchange(JUDGE, terms()), [NOBODY_LISTENS, reply(200, {})])
    assert (len(played.sent), played.error) == (2, None)
    impatient = play(exchange(READ, terms(patience=Patience(awaits_start=False))), [NOBODY_LISTENS])
    assert (len(impatient.sent), type(impatient.error)) == (1, Unreachable)


def _error(played: Play[Any]) -> Refused:
    assert isinstance(played.error, Refused)
    return played.error


def test_a_refusal_has_its_code_sentence_status_and_ids() -> None:
    error = _error(play(exchange(CHANGE, terms(patience=Patience(1))), [BUSY]))
    assert isinstance(error, PartitionUnowned)
    assert (error.code, error.message, error.status) == ("LOCK_ACQUISITION_FAILED", "It was refused.", 503)
    assert (error.retryable, error.command_id, error.request_id) == (True, "c", None)
    failed = _error(play(exchange(READ, terms()), [refused(500, "INTERNAL_ERROR", {"requestId": "r"})]))
    assert (failed.request_id, failed.retryable) == ("r", False)


def test_a_refusal_of_the_internal_api_is_understood_too() -> None:
    body = {"success": False, "errorCode": "INVALID_JOB_CONFIG", "message": "No.", "serviceName": "scheduler-service"}
    error = _error(play(exchange(changing("POST", "/internal/jobs/create", {}, "k"), terms()), [reply(422, body)]))
    assert (type(error), error.code) == (OF_CODE["INVALID_JOB_CONFIG"], "INVALID_JOB_CONFIG")


@pytest.mark.parametrize("code", STATUS_OF_CODE)
def test_every_code_of_the_api_has_an_error_that_says_more_than_refused(code: str) -> None:
    error = refusal(code, "", STATUS_OF_CODE[code])
    assert type(error) is not Refused
    assert error.code == code


def test_every_code_with_an_error_of_its_own_is_one_of_the_apis() -> None:
    assert set(OF_CODE) <= set(STATUS_OF_CODE)
    assert issubclass(OF_CODE["INVALID_CRON_EXPRESSION"], Invalid)


@pytest.mark.parametrize("outcome", [Reply(200, {}, b"<html>"), reply(302), reply(404, {"detail": "Not Found"})])
def test_an_answer_of_something_else_is_not_taken_for_the_apis(outcome: Outcome) -> None:
    assert isinstance(play(exchange(READ, terms()), [outcome]).error, NotTheApi)


def test_a_lost_change_says_that_it_may_have_been_made() -> None:
    error = play(exchange(CHANGE, terms(patience=Patience(1))), [NO_ANSWER]).error
    assert isinstance(error, NoAnswer)
    assert not isinstance(error, Unreachable)


def test_a_number_that_json_does_not_know_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        changing("POST", "/jobs", {"timeout": float("nan")}, "key")
