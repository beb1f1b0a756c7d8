"""The command line as a whole: help, exit codes, JSON, durations, and no traceback."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from horolog.cli.__main__ import main
from horolog.cli.app import assemble
from horolog.cli.options import duration_s
from horolog.cli.output import printable, shown
from horolog.cli.reference import command_reference


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name, child in children.items():
        yield from _leaves(child, (*path, name))


LEAVES = list(_leaves(get_command(assemble()), ()))
NAMES = [" ".join(path) for path, _ in LEAVES]


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=NAMES)
def test_every_command_has_help_with_one_example(
    path: tuple[str, ...], command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*path, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.count("Example:") == 1
    assert "horolog" in command.epilog
    assert path[-1] in command.epilog


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=NAMES)
def test_every_command_but_serve_speaks_json(path: tuple[str, ...], command: Any) -> None:
    options = {name for parameter in command.params for name in parameter.opts}
    assert "--json" in options or path == ("serve",)


def test_one_command_is_assembled_as_in_the_whole_tree() -> None:
    for path, command in LEAVES:
        alone = dict(_leaves(get_command(assemble(path[0])), ()))[path]
        assert [parameter.opts for parameter in alone.params] == [parameter.opts for parameter in command.params]


@pytest.mark.parametrize("words", [["nonsense"], ["job", "nonsense"], ["job", "list", "--nonsense"], ["serve", "cook"]])
def test_a_wrong_command_line_exits_with_2_and_says_how(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "--help shows how" in capsys.readouterr().err
    assert main([*words, "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "USAGE"


@pytest.mark.parametrize("words", [[], ["--version"]])
def test_what_needs_nothing_exits_with_0(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "orolog" in capsys.readouterr().out


@pytest.mark.parametrize("group", ["job", "exec", "import"])
def test_a_group_without_a_command_shows_its_help(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([group])
    captured = capsys.readouterr()
    assert f"horolog {group}" in captured.out + captured.err


def test_an_api_that_is_not_there_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["job", "list", "--url", "http://127.0.0.1:1"]) == 3
    assert "horolog dev" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("250ms", 0.25), ("5m", 300), ("1.5h", 5400), ("2d", 172_800), ("7", 7)]
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-1s", "5 parsecs", "1e9d", "99999d", "nan", "1h30m"])
def test_what_is_not_a_duration_is_wrong_use(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration_s(text)


def test_text_from_elsewhere_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\u202ec\nd") == "a\\x1b[2Jb\\u202ec\\nd"
    assert printable("Grüße 世界") == "Grüße 世界"
    assert (shown(None), shown(True), shown(["a", "b"]), shown({"a": 1})) == ("", "yes", "a, b", '{"a": 1}')


def test_the_reference_names_every_command_with_its_example() -> None:
    text = command_reference()
    for path, command in LEAVES:
        assert f"\n## horolog {' '.join(path)}\n" in text
        assert command.epilog.removeprefix("Example:").strip() in text
    assert text == command_reference()
