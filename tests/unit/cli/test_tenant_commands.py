"""`horolog tenant` asks the API for what was meant, and shows what it answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from horolog.cli.__main__ import main
from tests.unit.cli.fake_api import FakeApi
from tests.unit.cli.test_login import typed

ID = "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11"
TENANTS = "/api/v1/tenants"
TENANT: dict[str, Any] = {"tenantId": ID, "name": "bakery", "state": "active", "version": 1, "weight": 2}


def run(api: FakeApi, *words: str) -> int:
    return main(["tenant", *words, "--url", api.url, "--json"])


def test_a_tenant_is_created_with_the_flags_that_were_given(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("POST", TENANTS, TENANT, 201)
    flags = ["--name", "bakery", "--max-jobs", "5", "--allow-module", "a", "--allow-module", "b.c"]
    assert run(api, "create", ID, *flags, "--allow-network", "10.0.0.0/8", "--allow-command", "/bin/true") == 0
    assert api.asked[0].body == {
        "tenantId": ID,
        "name": "bakery",
        "quotas": {"maxJobs": 5},
        "allowedModules": ["a", "b.c"],
        "httpAllowed": ["10.0.0.0/8"],
        "allowedExecutables": ["/bin/true"],
    }
    assert json.loads(capsys.readouterr().out) == TENANT


def test_flags_go_over_what_the_file_says_and_leave_the_rest(api: FakeApi, tmp_path: Path) -> None:
    api.tell("PATCH", f"{TENANTS}/{ID}", TENANT)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"weight": 2, "quotas": {"maxJobs": 1, "maxRunning": None}}))
    assert run(api, "update", ID, "--file", str(file), "--max-jobs", "9") == 0
    assert api.asked[0].body == {"weight": 2, "quotas": {"maxJobs": 9, "maxRunning": None}}


@pytest.mark.parametrize("text", ["", "[]", '{"quotas": 1}'])
def test_a_file_that_holds_no_settings_is_refused_before_anything_is_asked(
    api: FakeApi, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    assert run(api, "create", ID, "--file", str(file)) == 2
    assert api.asked == []


@pytest.mark.parametrize("deed", ["suspend", "resume"])
def test_a_tenant_is_suspended_and_resumed_with_a_reason(api: FakeApi, deed: str) -> None:
    api.tell("POST", f"{TENANTS}/{ID}/{deed}", TENANT)
    assert run(api, deed, ID, "--reason", "unpaid") == 0
    assert api.asked[0].body == {"reason": "unpaid"}


def test_show_is_of_one_tenant_or_of_ones_own(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", f"{TENANTS}/{ID}", TENANT)
    api.tell("GET", "/api/v1/tenant", {**TENANT, "usage": {"jobs": 3}})
    assert (run(api, "show", ID), run(api, "show")) == (0, 0)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()][1]["usage"] == {"jobs": 3}


def test_list_and_usage_are_tables_for_people(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", TENANTS, {"items": [TENANT], "nextCursor": None})
    days = [{"day": "2026-03-01", "total": 5, "byStatus": {"completed": 5}, "durationMs": 1200}]
    api.tell("GET", "/api/v1/tenant/usage", {"days": days})
    assert main(["tenant", "list", "--url", api.url]) == 0
    assert main(["tenant", "usage", "--from", "2026-03-01T00:00:00Z", "--url", api.url]) == 0
    assert api.asked[1].path.endswith("?start=2026-03-01T00%3A00%3A00Z")
    text = capsys.readouterr().out
    assert all(word in text for word in (ID, "bakery", "completed", "1200"))


def test_erasing_asks_for_the_tenants_id_once_more(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("POST", f"{TENANTS}/{ID}/erase", {"tenantId": ID, "erased": True, "hadAny": True})
    for word, status in (("yes", 2), ("3f0d", 2), (ID, 0)):
        with typed(word):
            assert run(api, "erase", ID) == status, word
    assert [asked.body for asked in api.asked] == [{"tenantId": ID}]
    assert f"the tenant {ID} will be lost for good" in capsys.readouterr().err


def test_a_script_erases_without_being_asked(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    told = {"tenantId": ID, "erased": True, "hadAny": False}
    api.tell("POST", f"{TENANTS}/{ID}/erase", told)
    assert run(api, "erase", ID, "--yes") == 0
    assert json.loads(capsys.readouterr().out) == told
