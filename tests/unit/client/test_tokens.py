"""Calls are made with the caller's authority; tokens are renewed in time, once, and shown to nobody."""

from horolog.client.errors import NotAuthenticated, Refused, Unreachable
from horolog.client.exchange import exchange
from horolog.client.tokens import REFRESH_PATH, SIGN_IN_PATH, ServiceToken, SignIn, Token
from horolog.client.wire import Outcome, Reply, reading
from tests.unit.client.playing import NO_ANSWER, NOBODY_LISTENS, Time, play, refused, reply, terms

READ = reading("/jobs")
USER = SignIn("ada", "her-passw0rd")
UNAUTHORIZED = refused(401, "UNAUTHORIZED")


def granted(number: int, expires_s: int = 600) -> Reply:
    return reply(
        200, {"accessToken": f"a{number}", "refreshToken": f"r{number}", "expiresIn": expires_s, "tokenType": "Bearer"}
    )


def test_tokens_go_where_each_kind_belongs() -> None:
    fixed = play(exchange(READ, terms(Token("t").authority(Time().monotonic))), [reply(200, {})])
    assert fixed.sent[0].headers == {"Authorization": "Bearer t"}
    service = play(exchange(READ, terms(ServiceToken("s", "tenant").authority(Time().monotonic))), [reply(200, {})])
    assert service.sent[0].headers == {"X-Service-Token": "s", "X-Tenant-Id": "tenant"}


def test_a_user_signs_in_at_the_first_call_and_not_at_the_next() -> None:
    time = Time()
    ours = terms(USER.authority(time.monotonic))
    first = play(exchange(READ, ours), [granted(1), reply(200, {})], time)
    assert [request.path for request in first.sent] == [SIGN_IN_PATH, READ.path]
    assert first.sent[1].headers["Authorization"] == "Bearer a1"
    assert [request.path for request in play(exchange(READ, ours), [reply(200, {})], time).sent] == [READ.path]


def test_tokens_that_are_due_are_renewed_first() -> None:
    time = Time()
    ours = terms(USER.authority(time.monotonic))
    play(exchange(READ, ours), [granted(1), reply(200, {})], time)
    time.now_s += 590
    played = play(exchange(READ, ours), [granted(2), reply(200, {})], time)
    assert [request.path for request in played.sent] == [REFRESH_PATH, READ.path]
    assert played.sent[0].body == b'{"refreshToken": "r1"}'
    assert played.sent[1].headers["Authorization"] == "Bearer a2"


def test_where_renewing_fails_or_its_answer_is_lost_the_user_signs_in_anew() -> None:
    outcomes: tuple[Outcome, ...] = (refused(401, "INVALID_REFRESH_TOKEN"), NO_ANSWER)
    for outcome in outcomes:
        time = Time()
        ours = terms(USER.authority(time.monotonic))
        play(exchange(READ, ours), [granted(1), reply(200, {})], time)
        time.now_s += 590
        played = play(exchange(READ, ours), [outcome, granted(2), reply(200, {})], time)
        assert [request.path for request in played.sent] == [REFRESH_PATH, SIGN_IN_PATH, READ.path]


def test_a_session_that_was_ended_elsewhere_is_begun_anew_once() -> None:
    ours = terms(USER.authority(Time().monotonic))
    outcomes = [granted(1), UNAUTHORIZED, granted(2), reply(200, {})]
    assert play(exchange(READ, ours), outcomes).error is None
    stubborn = play(
        exchange(READ, terms(USER.authority(Time().monotonic))), [granted(1), UNAUTHORIZED, granted(2), UNAUTHORIZED]
    )
    assert isinstance(stubborn.error, NotAuthenticated)
    assert len(stubborn.sent) == 4


def test_a_fixed_token_that_is_refused_is_not_tried_again() -> None:
    played = play(exchange(READ, terms(Token("t").authority(Time().monotonic))), [UNAUTHORIZED])
    assert (len(played.sent), type(played.error)) == (1, NotAuthenticated)


def test_signing_in_is_tried_once_and_says_why_not() -> None:
    wrong = play(exchange(READ, terms(USER.authority(Time().monotonic))), [refused(401, "INVALID_CREDENTIALS")])
    assert isinstance(wrong.error, Refused)
    assert (wrong.error.code, len(wrong.sent)) == ("INVALID_CREDENTIALS", 1)
    away = play(exchange(READ, terms(USER.authority(Time().monotonic))), [NOBODY_LISTENS])
    assert isinstance(away.error, Unreachable)


def test_no_secret_is_in_a_representation_or_an_error() -> None:
    secrets = ("t0ken", "serv1ce", "her-passw0rd", "a1", "r1")
    played = play(
        exchange(READ, terms(USER.authority(Time().monotonic))), [granted(1), UNAUTHORIZED, granted(1), UNAUTHORIZED]
    )
    shown = [Token("t0ken"), ServiceToken("serv1ce", "x"), USER, *played.sent, granted(1), played.error]
    assert [secret for secret in secrets for thing in shown if secret in repr(thing) + str(thing)] == []
