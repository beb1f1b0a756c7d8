"""Options that commands share: groups of them as frozen values, durations, and the options of `horolog dev`.

`grouped` lets a command take such a value as one parameter; on the command line its fields are single options.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)")
_SECONDS_OF_UNIT = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION_S_MAX = 10 * 365 * 86_400.0


def duration_s(text: str | float) -> float:
    """Seconds of a duration such as `250ms`, `30s`, `5m`, `1h`, `2d`; a plain number means seconds.

    Raises:
        typer.BadParameter: for anything else, and beyond ten years.
    """
    found = _DURATION.fullmatch(str(text).strip())
    seconds = float(found[1]) * _SECONDS_OF_UNIT[found[2]] if found else -1.0
    if not 0 <= seconds <= _DURATION_S_MAX:
        raise typer.BadParameter(f"{str(text)[:40]!r} is not a duration such as 250ms, 30s, 5m or 1h.")
    return seconds


Json = Annotated[bool, typer.Option("--json", help="Answer in JSON on stdout; errors in JSON on stderr.")]


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """Where the API is, and how to answer. What is not given comes from the environment or `horolog dev`."""

    url: Annotated[
        str | None, typer.Option("--url", help="Address of the API; else HOROLOG_URL, else a local one.")
    ] = None
    token: Annotated[
        str | None, typer.Option("--token", help="Bearer token; else HOROLOG_TOKEN, else that of `horolog dev`.")
    ] = None
    as_json: Json = False


@dataclass(frozen=True, slots=True)
class DevOptions:
    """What `horolog dev` was asked for. `for_s` is None when it is to run until interrupted.

    With `worker` (`module:attribute`) the functions that are registered there run in it as well.
    """

    for_s: float | None
    port: int
    directory: Path
    examples: bool
    as_json: bool
    worker: str | None = None


def grouped(function: Callable[..., int]) -> Callable[..., int]:
    """The function with each parameter that is a dataclass replaced by the fields of that dataclass."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint) and name != "return"}

    def call(**values: Any) -> int:
        for name, group in groups.items():
            values[name] = group(**{part.name: values.pop(part.name) for part in fields(group)})  # type: ignore[operator]
        return function(**values)

    flat: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in groups:
            flat.extend(_parameters_of(groups[name]))
        else:
            flat.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    vars(call).update(__signature__=inspect.Signature(flat))
    return call


def _parameters_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            part.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if part.default is MISSING else part.default,
            annotation=hints[part.name],
        )
        for part in fields(group)
    ]
