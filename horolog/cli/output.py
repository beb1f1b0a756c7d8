"""Writing answers: JSON for machines, tables and pairs for people, problems on stderr.

Guarantee: text that came from elsewhere cannot steer the terminal, for control characters are shown as escapes.
`rich` is imported only when a table is drawn.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from horolog.cli.problems import CliProblem

_WIDTH_WITHOUT_TERMINAL = 240


def write_json(value: Any) -> None:
    """One JSON document on one line of stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def write_line(text: str) -> None:
    """One line of stdout."""
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def write_note(text: str) -> None:
    """One line of stderr, beside the answer."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on stdout."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - a table is drawn by few commands, and rich is slow to load
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL)
    console.print(table)


def write_pairs(pairs: Mapping[str, Any]) -> None:
    """Names and values, one pair a line; what has no value is left out."""
    filled = {name: value for name, value in pairs.items() if value not in (None, [], {}, "")}
    width = max((len(name) for name in filled), default=0)
    for name, value in filled.items():
        write_line(f"{name:<{width}}  {shown(value)}")


def write_problem(problem: CliProblem, as_json: bool) -> None:
    """A problem on stderr."""
    if as_json:
        sys.stderr.write(json.dumps(problem.to_dict(), default=str) + "\n")
        return
    lines = [f"{problem.code}: {problem.message}"]
    for name, value in (problem.details or {}).items():
        lines.extend(f"  {name}: {shown(item)}" for item in (value if isinstance(value, list) else [value]))
    if problem.advice:
        lines.append(f"→ {problem.advice}")
    sys.stderr.write("".join(printable(line) + "\n" for line in lines))


def shown(value: Any) -> str:
    """A value as a person reads it: nothing for None, JSON for what is nested."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return printable(", ".join(value))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def printable(text: str) -> str:
    """The text with control characters written as escapes, so that it cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return ascii(char)[1:-1]
