"""`horolog user` and `horolog token` ask the API for the right thing."""

from typing import Any

import pytest

from horolog.cli.__main__ import main
from horolog.cli.login_session import write_session
from tests.unit.cli.fake_api import FakeApi
from tests.unit.cli.test_login import PASSWORD, TOKEN, kept, tokens, typed

USERS = "/api/v1/users"
ADA = "6f1c1f7e-0000-4000-8000-00000000000a"
SESSION = "6f1c1f7e-0000-4000-8000-00000000000b"
USER: dict[str, Any] = {"id": ADA, "name": "ada", "roles": ["viewer"], "disabled": False}


def asked(api: FakeApi, *words: str) -> tuple[str, str, Any]:
    """What the last request of a command was."""
    assert main([*words, "--url", api.url, "--token", "t"]) == 0
    last = api.asked[-1]
    return last.method, last.path, last.body


def test_a_user_is_created_and_its_password_told(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("POST", USERS, {"user": USER, "oneTimePassword": "for-once"}, 201)
    wanted = asked(api, "user", "create", "ada", "--role", "viewer", "--role", "auditor", "--tenant", SESSION)
    assert wanted == ("POST", USERS, {"name": "ada", "roles": ["viewer", "auditor"], "tenantId": SESSION})
    assert "for-once" in capsys.readouterr().out


def test_users_are_listed(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", USERS, {"items": [USER], "nextCursor": None})
    assert asked(api, "user", "list", "--tenant", SESSION)[1].startswith(f"{USERS}?tenantId={SESSION}")
    assert "ada" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["disable"], {"disabled": True}),
        (["enable"], {"disabled": False}),
        (["roles", "--role", "operator"], {"roles": ["operator"]}),
    ],
)
def test_a_user_is_changed_by_its_name_or_its_id(api: FakeApi, words: list[str], body: dict[str, Any]) -> None:
    api.tell("GET", USERS, {"items": [USER], "nextCursor": None})
    api.tell("PATCH", f"{USERS}/{ADA}", {**USER, **body})
    for name in ("Ada", ADA):
        assert asked(api, "user", words[0], name, *words[1:]) == ("PATCH", f"{USERS}/{ADA}", body)


def test_nobody_of_that_name_is_told(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", USERS, {"items": [USER], "nextCursor": None})
    assert main(["user", "disable", "bob", "--url", api.url]) == 1
    assert "USER_NOT_FOUND" in capsys.readouterr().err


def test_another_users_password_and_sessions(api: FakeApi) -> None:
    api.tell("POST", f"{USERS}/{ADA}/password", {"oneTimePassword": "for-once"})
    api.tell("POST", f"{USERS}/{ADA}/revoke", None, 204)
    api.tell("GET", f"{USERS}/{ADA}/sessions", {"items": [{"id": SESSION}]})
    api.tell("DELETE", f"{USERS}/{ADA}/sessions/{SESSION}", None, 204)
    assert asked(api, "user", "password", ADA)[:2] == ("POST", f"{USERS}/{ADA}/password")
    assert asked(api, "user", "revoke", ADA)[:2] == ("POST", f"{USERS}/{ADA}/revoke")
    assert asked(api, "token", "list", ADA)[:2] == ("GET", f"{USERS}/{ADA}/sessions")
    assert asked(api, "token", "revoke", ADA, SESSION)[:2] == ("DELETE", f"{USERS}/{ADA}/sessions/{SESSION}")


def test_the_own_password_is_changed_and_the_new_one_signed_in_with(api: FakeApi, home: dict[str, str]) -> None:
    api.tell("POST", PASSWORD, None, 204)
    api.tell("POST", TOKEN, tokens(1))
    with typed("old", "new"):
        assert main(["user", "password", "--password-stdin", "--url", api.url]) == 1
    write_session(kept(api.url), home)
    with typed("old", "new"):
        assert main(["user", "password", "--password-stdin", "--url", api.url, "--json"]) == 0
    assert [one.body for one in api.asked] == [
        {"name": "ada", "password": "old", "newPassword": "new"},
        {"name": "ada", "password": "new"},
    ]


def test_roles_are_narrowed_to_tags_and_widened_again(api: FakeApi) -> None:
    api.tell("POST", USERS, {"user": USER, "oneTimePassword": "for-once"}, 201)
    api.tell("PATCH", f"{USERS}/{ADA}", USER)
    made = asked(api, "user", "create", "ada", "--role", "viewer", "--tag", "billing", "--tag", "reports")
    assert made[2] == {"name": "ada", "roles": ["viewer"], "tags": ["billing", "reports"]}
    assert asked(api, "user", "tags", ADA, "--tag", "billing")[2] == {"tags": ["billing"]}
    assert asked(api, "user", "tags", ADA)[2] == {"tags": []}
