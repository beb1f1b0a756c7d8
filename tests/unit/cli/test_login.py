"""Whoever has signed in is known at that address and at no other, until the session ends."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from horolog.cli.__main__ import main
from horolog.cli.login_session import LoginSession, read_session, session_token, write_session
from horolog.cli.problems import CliProblem
from tests.unit.cli.fake_api import FakeApi

TOKEN, REFRESH, PASSWORD, LOGOUT = (f"/api/v1/auth/{name}" for name in ("token", "refresh", "password", "logout"))
NOW_S = 1_000_000.0


def tokens(number: int) -> dict[str, Any]:
    """What the API gives."""
    return {
        "accessToken": f"access-{number}",
        "tokenType": "Bearer",
        "expiresIn": 600,
        "refreshToken": f"next-{number}",
    }


@contextmanager
def typed(*lines: str) -> Iterator[None]:
    """Lines on stdin."""
    before, sys.stdin = sys.stdin, io.StringIO("".join(f"{line}\n" for line in lines))
    try:
        yield
    finally:
        sys.stdin = before


def log_in(api: FakeApi, *lines: str) -> int:
    """The exit code of signing in as ada."""
    with typed(*lines):
        return main(["login", "ada", "--password-stdin", "--url", api.url])


def kept(url: str, expires_at: float = NOW_S) -> LoginSession:
    """A session whose token is good until then."""
    return LoginSession(url, "ada", expires_at, "access-0", "next-0")


def test_tokens_are_kept_privately_and_used_by_other_commands(
    api: FakeApi, home: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    api.tell("POST", TOKEN, tokens(1))
    api.tell("GET", "/jobs", {"items": [], "nextCursor": None})
    assert log_in(api, "secret of ada") == 0
    assert api.asked[0].body == {"name": "ada", "password": "secret of ada"}
    assert "authorization" not in api.asked[0].headers
    path = Path(home["HOROLOG_HOME"]) / "login.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert main(["job", "list", "--url", api.url]) == 0
    assert api.asked[-1].headers["authorization"] == "Bearer access-1"
    assert main(["job", "list", "--url", api.url, "--token", "mine"]) == 0
    assert api.asked[-1].headers["authorization"] == "Bearer mine"
    told = capsys.readouterr()
    assert [word for word in ("secret of ada", "access-1", "next-1") if word in told.out + told.err] == []


def test_tokens_are_never_sent_to_another_address(api: FakeApi, home: dict[str, str]) -> None:
    write_session(kept("http://127.0.0.1:1", 9e12), home)
    api.tell("GET", "/jobs", {"items": [], "nextCursor": None})
    assert main(["job", "list", "--url", api.url]) == 0
    assert "authorization" not in api.asked[0].headers


def test_a_one_time_password_is_changed_at_once(api: FakeApi, home: dict[str, str]) -> None:
    api.refuse("POST", TOKEN, 403, "PASSWORD_CHANGE_REQUIRED")
    api.tell("POST", TOKEN, tokens(2))
    api.tell("POST", PASSWORD, None, 204)
    assert log_in(api, "for once", "for ever and ever") == 0
    assert [asked.body for asked in api.asked] == [
        {"name": "ada", "password": "for once"},
        {"name": "ada", "password": "for once", "newPassword": "for ever and ever"},
        {"name": "ada", "password": "for ever and ever"},
    ]
    session = read_session(api.url, home)
    assert session is not None
    assert session.refresh_token == "next-2"


def test_a_refused_password_leaves_nothing(api: FakeApi, home: dict[str, str]) -> None:
    api.refuse("POST", TOKEN, 401, "INVALID_CREDENTIALS")
    assert log_in(api, "wrong") == 1
    assert log_in(api) == 2
    assert read_session(api.url, home) is None


def test_a_token_is_renewed_when_it_is_due_and_not_before(api: FakeApi, home: dict[str, str]) -> None:
    api.tell("POST", REFRESH, tokens(1))
    write_session(kept(api.url, NOW_S + 61), home)
    with httpx.Client() as http:
        assert session_token(api.url, home, http, NOW_S) == "access-0"
        assert session_token(api.url, home, http, NOW_S + 1) == "access-1"
        assert session_token(api.url, home, http, NOW_S + 2) == "access-1"
    assert [asked.body for asked in api.asked] == [{"refreshToken": "next-0"}]


def test_of_commands_at_the_same_time_one_renews(api: FakeApi, home: dict[str, str]) -> None:
    for number in (1, 2):
        api.tell("POST", REFRESH, tokens(number))
    write_session(kept(api.url), home)
    seen: list[str | None] = []

    def command() -> None:
        with httpx.Client() as http:
            seen.append(session_token(api.url, home, http, NOW_S))

    threads = [threading.Thread(target=command) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert seen == ["access-1"] * 5
    assert len(api.asked) == 1


def test_a_session_that_has_ended_is_forgotten_and_told(api: FakeApi, home: dict[str, str]) -> None:
    api.refuse("POST", REFRESH, 401, "INVALID_REFRESH_TOKEN")
    write_session(kept(api.url), home)
    with httpx.Client() as http, pytest.raises(CliProblem, match="has ended"):
        session_token(api.url, home, http, NOW_S)
    assert read_session(api.url, home) is None


def test_an_api_that_cannot_renew_now_is_asked_with_what_there_is(api: FakeApi, home: dict[str, str]) -> None:
    api.refuse("POST", REFRESH, 503, "AUTH_UNAVAILABLE")
    write_session(kept(api.url), home)
    with httpx.Client() as http:
        assert session_token(api.url, home, http, NOW_S) == "access-0"
        write_session(kept("http://127.0.0.1:1"), home)
        assert session_token("http://127.0.0.1:1", home, http, NOW_S) == "access-0"


def test_signing_out_ends_the_session_and_forgets_it(api: FakeApi, home: dict[str, str]) -> None:
    api.tell("POST", LOGOUT, None, 204)
    write_session(kept(api.url), home)
    assert main(["logout", "--url", api.url]) == 0
    assert [asked.body for asked in api.asked] == [{"refreshToken": "next-0"}]
    assert read_session(api.url, home) is None
    assert main(["logout", "--url", api.url]) == 0
    assert len(api.asked) == 1


def test_a_file_that_is_no_session_is_named(home: dict[str, str]) -> None:
    folder = Path(home["HOROLOG_HOME"])
    folder.mkdir()
    for text in ("{", "[]", json.dumps({"url": "http://a"})):
        (folder / "login.json").write_text(text)
        with pytest.raises(CliProblem, match=r"login\.json"):
            read_session("http://a", home)


def test_a_session_shows_no_token() -> None:
    assert [word for word in ("access-0", "next-0") if word in repr(kept("http://a"))] == []
