"""Writing jobs as YAML that a person wants to read, and that every reader of YAML takes for the same.

Guarantee: what is written reads back as the same data through `job_text`, and the same jobs give the same bytes. A text
is written without quotes only where no version of YAML could take it for anything else.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from horolog.cli.applying.job_text import reads_as_text

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9 _./@+=-]*(?<! )")
_BLOCK_LINE = re.compile(r"(?: *[!-~][ -~]*)?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_INDENT = "  "


def written_jobs(jobs: Sequence[Mapping[str, Any]], comments: Sequence[str], notes: Mapping[int, str]) -> str:
    """A file of jobs; `comments` stand at its top, `notes` above the jobs with these numbers."""
    lines = [f"# {_one_line(comment)}" for comment in comments]
    if not jobs:
        return "\n".join([*lines, "jobs: []", ""])
    lines.append("jobs:")
    for number, job in enumerate(jobs):
        if number in notes:
            lines.append(f"{_INDENT}# {_one_line(notes[number])}")
        lines += _item(job, _INDENT)
    return "\n".join([*lines, ""])


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _item(value: Any, indent: str) -> Iterator[str]:
    inner = list(_value(value, indent + _INDENT))
    if isinstance(value, Mapping | list) and value:
        # The first line of what is nested goes behind the dash.
        yield f"{indent}- {inner[0].lstrip(' ')}"
        yield from inner[1:]
    else:
        first, *rest = inner
        yield f"{indent}- {first}"
        yield from rest


def _value(value: Any, indent: str) -> Iterator[str]:
    """The lines of a value: of a nested one each with its indent, of a scalar the first without."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _pair(str(name), inner, indent)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _item(inner, indent)
    elif isinstance(value, str):
        yield from _text(value, indent)
    else:
        yield json.dumps(value)


def _pair(name: str, value: Any, indent: str) -> Iterator[str]:
    key = _scalar(name)
    lines = list(_value(value, indent + _INDENT))
    if isinstance(value, Mapping | list) and value:
        yield f"{indent}{key}:"
        yield from lines
    else:
        yield f"{indent}{key}: {lines[0]}"
        yield from lines[1:]


def _text(text: str, indent: str) -> Iterator[str]:
    lines = text.split("\n")
    # The indent of a block is told by its first line, which therefore begins with no blank.
    is_plain = all(map(_BLOCK_LINE.fullmatch, lines)) and not lines[0].startswith(" ")
    if len(lines) > 2 and is_plain and lines[0] and (lines[-1] or lines[-2]):
        yield "|-" if lines[-1] else "|"
        for line in lines if lines[-1] else lines[:-1]:
            yield f"{indent}{line}" if line else ""
    else:
        yield _scalar(text)


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and reads_as_text(text):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
