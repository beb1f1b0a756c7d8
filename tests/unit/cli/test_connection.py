"""Where the API is: options first, then the environment, then what `horolog dev` left."""

import json
from pathlib import Path

import pytest

from horolog.cli.connection import DEFAULT_URL, Connection, connection
from horolog.cli.problems import USAGE, CliProblem


def _left(folder: Path, **pairs: object) -> dict[str, str]:
    (folder / "client.json").write_text(json.dumps(pairs))
    return {"HOROLOG_HOME": str(folder)}


def test_without_anything_it_is_this_machine(tmp_path: Path) -> None:
    assert connection(None, None, {"HOROLOG_HOME": str(tmp_path)}) == Connection(DEFAULT_URL, None)


def test_what_dev_left_is_used(tmp_path: Path) -> None:
    environment = _left(tmp_path, url="http://127.0.0.1:5000/", token="left")
    assert connection(None, None, environment) == Connection("http://127.0.0.1:5000", "left")


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    environment = {**_left(tmp_path, url="http://a", token="a"), "HOROLOG_URL": "http://b", "HOROLOG_TOKEN": "b"}
    assert connection(None, None, environment) == Connection("http://b", "b")
    assert connection("http://c/", "c", environment) == Connection("http://c", "c")


def test_the_token_in_the_file_is_never_sent_to_another_address(tmp_path: Path) -> None:
    environment = _left(tmp_path, url="http://a", token="secret")
    assert connection("http://elsewhere", None, environment).token is None


@pytest.mark.parametrize("text", ["[]", '"x"', '{"url": 5, "token": null}'])
def test_a_client_file_without_an_address_is_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / "client.json").write_text(text)
    assert connection(None, None, {"HOROLOG_HOME": str(tmp_path)}).url == DEFAULT_URL


def test_a_client_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "client.json").write_text("{")
    with pytest.raises(CliProblem, match=r"client\.json"):
        connection(None, None, {"HOROLOG_HOME": str(tmp_path)})


@pytest.mark.parametrize("url", ["localhost:3009", "ftp://x", "file:///etc/passwd"])
def test_an_address_that_is_not_http_is_wrong_use(url: str, tmp_path: Path) -> None:
    with pytest.raises(CliProblem) as caught:
        connection(url, None, {"HOROLOG_HOME": str(tmp_path)})
    assert caught.value.exit_code == USAGE
