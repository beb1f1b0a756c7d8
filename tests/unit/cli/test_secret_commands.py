"""`horolog secret` sends a value that it was given on standard input, and shows none."""

import json
import subprocess
import sys

import pytest

from horolog.cli.__main__ import main
from tests.unit.cli.fake_api import FakeApi

HUSH = "hush-9f2c7a"
NOTE = {"name": "billing", "version": 2, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z"}
PLACE = "/api/v1/secrets"


def typed(api: FakeApi, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """What a command line of its own process came to."""
    command = [sys.executable, "-m", "horolog.cli", "secret", *arguments, "--url", api.url, "--token", "t"]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def test_value_comes_from_standard_input_and_is_not_shown(api: FakeApi) -> None:
    api.tell("PUT", f"{PLACE}/billing", NOTE)
    done = typed(api, "set", "billing", given=f"{HUSH}\n")
    assert (done.returncode, api.asked[0].body) == (0, {"value": HUSH})
    assert "secret://billing is at version 2" in done.stdout
    assert HUSH not in done.stdout + done.stderr


def test_value_is_not_taken_from_the_command_line(api: FakeApi) -> None:
    assert typed(api, "set", "billing", HUSH).returncode == 2
    assert typed(api, "set", "billing", given="\n").returncode == 2
    assert api.asked == []


def test_secrets_are_listed_and_deleted(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", PLACE, {"items": [NOTE]})
    api.tell("DELETE", f"{PLACE}/billing", None, 204)
    where = ["--url", api.url, "--token", "t"]
    assert main(["secret", "list", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out) == {"items": [NOTE]}
    assert main(["secret", "delete", "billing", *where]) == 0
    assert capsys.readouterr().out == "secret://billing is gone.\n"
