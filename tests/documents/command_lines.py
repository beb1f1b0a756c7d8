"""Whether `horolog` would understand a line: commands, options and arguments, without running anything."""

from __future__ import annotations

import re
import shlex
from typing import Any

import typer
from typer.main import get_command

from horolog.cli.app import assemble

_SHELL = frozenset({"|", "<", ">", "<<", "&&", ";", "&"})
_PROGRAM = re.compile(r"(?:\.venv/bin/)?horolog")
_ROOT: Any = get_command(assemble())


def calls_in(text: str) -> list[list[str]]:
    """The words after `horolog` wherever a line of a shell calls it, without what the shell makes of them."""
    found: list[list[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for number, word in enumerate(words):
            if _PROGRAM.fullmatch(word):
                rest = words[number + 1 :]
                end = next((at for at, one in enumerate(rest) if one in _SHELL), len(rest))
                found.append(rest[:end])
    return found


def problem_with(words: list[str]) -> str | None:
    """What the command line would say of these words before anything is done; None where it understands them."""
    command, rest = _ROOT, list(words)
    while children := getattr(command, "commands", {}):
        if not rest:
            return "missing: a command"
        if rest[0] not in children:
            return f"there is no command {' '.join(words)!r}"
        command = children[rest.pop(0)]
    try:
        values, left, _ = command.make_parser(command.context_class(command, info_name=words[0])).parse_args(rest)
    except typer.TyperException as error:
        return str(error)
    missing = [one.name for one in command.params if one.required and values.get(one.name) is None]
    return f"left over: {left}" if left else f"missing: {missing}" if missing else None
