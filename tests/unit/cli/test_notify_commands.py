"""`horolog notify` manages rules and shows deliveries; where a channel leads never stands on the command line."""

import json
from pathlib import Path

import pytest

from horolog.cli.__main__ import main
from services.api.notification_examples import NOTIFICATION_EXAMPLES
from tests.unit.cli.fake_api import FakeApi

RULES, DELIVERIES = "/api/v1/notifications/rules", "/api/v1/notifications/deliveries"
RULE, DELIVERY = NOTIFICATION_EXAMPLES["RuleResponse"], NOTIFICATION_EXAMPLES["DeliveryResponse"]
BODY = NOTIFICATION_EXAMPLES["RuleBody"]


def run(api: FakeApi, *arguments: str) -> int:
    return main(["notify", *arguments, "--url", api.url, "--token", "t"])


@pytest.fixture
def rule_file(tmp_path: Path) -> str:
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(BODY), encoding="utf-8")
    return str(path)


def test_rule_is_read_from_a_file_and_sent_as_it_is(
    api: FakeApi, rule_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api.tell("POST", RULES, RULE, 201)
    api.tell("PUT", f"{RULES}/{RULE['id']}", RULE)
    assert run(api, "create", rule_file, "--json") == 0
    assert json.loads(capsys.readouterr().out) == RULE
    assert run(api, "update", RULE["id"], rule_file) == 0
    assert [asked.body for asked in api.asked] == [BODY, BODY]
    assert "billing fails" in capsys.readouterr().out


def test_rules_are_listed_shown_tried_and_deleted(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    place = f"{RULES}/{RULE['id']}"
    api.tell("GET", RULES, {"items": [RULE], "nextCursor": None})
    api.tell("GET", place, RULE)
    api.tell("POST", f"{place}/test", DELIVERY, 201)
    api.tell("DELETE", place, None, 204)
    for arguments in (("list",), ("show", RULE["id"]), ("test", RULE["id"]), ("delete", RULE["id"])):
        assert run(api, *arguments) == 0
    assert capsys.readouterr().out.endswith(f"The rule {RULE['id']} is gone.\n")
    assert [asked.method for asked in api.asked] == ["GET", "GET", "POST", "DELETE"]


def test_deliveries_are_filtered_and_sent_again(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", DELIVERIES, {"items": [DELIVERY], "nextCursor": None})
    api.tell("POST", f"{DELIVERIES}/{DELIVERY['id']}/redeliver", DELIVERY)
    assert run(api, "deliveries", "--state", "dead", "--rule", RULE["id"], "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"items": [DELIVERY]}
    assert run(api, "redeliver", DELIVERY["id"]) == 0
    assert f"ruleId={RULE['id']}&state=dead" in api.asked[0].path


def test_file_that_is_no_json_is_wrong_use_and_not_repeated(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rule.json"
    path.write_text('{"secret": hush', encoding="utf-8")
    assert run(api, "create", str(path)) == 2
    assert run(api, "create", str(tmp_path / "none.json")) == 2
    assert "hush" not in capsys.readouterr().err
    assert api.asked == []
