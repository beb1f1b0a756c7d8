"""A `beat_schedule` in a Python file, as data.

Guarantee: nothing of the file is run. Its syntax tree is read; understood are literals and calls of `crontab`,
`timedelta`, `schedule` and `solar` with literals. An entry with anything else is kept as unread, with its line.
"""

import ast
import warnings
from collections.abc import Iterator
from typing import Any

from horolog.cli.applying.job_text import TEXT_LENGTH_MAX, Path, Placed, TextProblem, refuse_half_characters
from horolog.cli.importing.schedules import NotMapped

_SCHEDULES = frozenset({"beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE"})
_ZONES = frozenset({"timezone", "CELERY_TIMEZONE"})
_NUMBER_MAX = 2**63
_CRONTAB_ORDER = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
_TIMEDELTA_ORDER = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")


def literal_schedule(text: str) -> Placed:
    """The schedule that the file assigns, as the JSON form has it.

    Raises:
        TextProblem: it is no Python, or assigns no schedule as a dict, or more than one.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise TextProblem(1, f"is longer than {TEXT_LENGTH_MAX} characters")
    try:
        with warnings.catch_warnings():
            # What the parser has against the file's style is for its author.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise TextProblem(error.lineno or 1, f"is neither JSON or YAML nor Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise TextProblem(1, "is no Python that could be read") from error
    found = list(_assigned(tree))
    schedules = [node for name, node in found if name in _SCHEDULES]
    zones = [node for name, node in found if name in _ZONES]
    if len(schedules) != 1 or not isinstance(schedules[0], ast.Dict):
        raise TextProblem(1, f"assigns {len(schedules)} beat schedules; there must be one, written out as a dict")
    data, lines = _read(schedules[0])
    refuse_half_characters(data)
    if len(zones) == 1 and isinstance(zones[0], ast.Constant) and isinstance(zones[0].value, str):
        return Placed({"beat_schedule": data, "timezone": zones[0].value}, lines)
    if zones:
        raise TextProblem(zones[0].lineno, "the time zone is not written out as one text; write it so")
    return Placed({"beat_schedule": data}, lines)


def _assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is assigned to names and attributes, or given to a call of `update`, by the last part of its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((_last_name(target), node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield _last_name(node.target), node.value
        elif isinstance(node, ast.Call) and _last_name(node.func) == "update":
            yield from ((word.arg, word.value) for word in node.keywords if word.arg is not None)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _read(schedule: ast.Dict) -> tuple[dict[str, Any], dict[Path, int]]:
    data: dict[str, Any] = {}
    lines: dict[Path, int] = {("beat_schedule",): schedule.lineno}
    for key, value in zip(schedule.keys, schedule.values, strict=True):
        line = value.lineno if key is None else key.lineno
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise TextProblem(line, "the name of an entry is not written out as a text")
        if key.value in data:
            raise TextProblem(line, f"the entry {key.value[:60]!r} stands there twice")
        lines["beat_schedule", key.value] = line
        try:
            data[key.value] = _literal(value)
        except NotMapped as reason:
            data[key.value] = {"unread": str(reason)}
    return data, lines


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Dict):
        return {_text(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Call):
        return _called(node)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        value = ...
    if value is None or isinstance(value, str) or (isinstance(value, int | float) and abs(value) <= _NUMBER_MAX):
        return value
    raise NotMapped(f"line {node.lineno}: {_shown(node)} is not written out, and nothing of the file is run")


def _text(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise NotMapped("a key is not written out as a text")


def _shown(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:60]
    except RecursionError:
        return "an expression of thousands of parts"


def _called(node: ast.Call) -> Any:
    name = _last_name(node.func)
    order = {"crontab": _CRONTAB_ORDER, "timedelta": _TIMEDELTA_ORDER, "schedule": ("run_every",), "solar": ()}.get(
        name
    )
    if order is None or any(word.arg is None for word in node.keywords):
        raise NotMapped(f"line {node.lineno}: {_shown(node)} is not understood, and nothing of the file is run")
    if name == "solar":
        return {"solar": {}}
    if len(node.args) > len(order):
        raise NotMapped(f"line {node.lineno}: {name} has too many arguments")
    given = {key: _literal(value) for key, value in zip(order, node.args, strict=False)}
    given |= {str(word.arg): _literal(word.value) for word in node.keywords}
    if name != "schedule":
        return {name: given}
    if set(given) != {"run_every"}:
        raise NotMapped(f"line {node.lineno}: schedule is understood with run_every alone")
    return given["run_every"]
