"""YAML and JSON, read so that a text means one thing only, with the line of every value.

Guarantee: what is read is JSON's data. Refused, with the line: duplicate keys, anchors and aliases, tags, directives,
merge keys, and every plain scalar that one version of YAML takes for something else than another does (`yes`, `on`,
`012`, `0x1f`, `1_000`, `12:30`, `.inf`). Size, depth and the number of values are bounded before anything is built.
Source: YAML 1.2.2, section 10.3 (the core schema); YAML 1.1, the types bool, int, float and merge; RFC 8259.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml

TEXT_LENGTH_MAX = 2 * 1024 * 1024
DEPTH_MAX = 40
VALUE_COUNT_MAX = 200_000

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,299})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,4})?")
_AMBIGUOUS = re.compile(
    r"y|n|yes|no|on|off|true|false|null|=|<<|[-+]?\.inf|\.nan"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[-+]?0[xob][0-9a-f_]+"
    r"|[-+]?(?:[0-9][0-9_,]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:e[-+]?[0-9]+)?",
    re.IGNORECASE,
)
_JSON_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}

Path = tuple[str | int, ...]


class TextProblem(Exception):
    """A text that is not understood, and the line where that begins."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Placed:
    """A document's data, and the line of each of its values."""

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of the value at the path, else of what it would be in."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_text(text: str, is_json: bool) -> list[Placed]:
    """The documents of a text; empty ones are left out.

    Raises:
        TextProblem: it is not understood, or larger than anything sensible.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise TextProblem(1, f"is longer than {TEXT_LENGTH_MAX} characters")
    if not is_json:
        documents = list(_Builder(text).documents())
    else:
        data = _json(text)
        # YAML reads JSON too, but for tabs between its tokens; it is asked for the lines.
        placed = list(_Builder(text.replace("\t", " "), is_json).documents())
        documents = [Placed(data, placed[0].lines if placed else {})]
    for document in documents:
        refuse_half_characters(document.data)
    return documents


def refuse_half_characters(data: Any) -> None:
    """Raises `TextProblem` for texts that hold half of a surrogate pair, which nothing could write."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise TextProblem(1, "holds half of a surrogate pair, which is no character") from error


def looks_like_json(name: str, text: str) -> bool:
    """Whether a file is to be read as JSON."""
    return name.endswith(".json") or text.lstrip()[:1] in ("{", "[")


def reads_as_text(text: str) -> bool:
    """Whether a plain scalar would be read as this very text, by every version of YAML."""
    return text not in _JSON_WORDS and _NUMBER.fullmatch(text) is None and _AMBIGUOUS.fullmatch(text) is None


class _Builder:
    """Makes data of the parser's events. PyYAML's own constructors are not used: they take 1.1's view of scalars."""

    def __init__(self, text: str, is_json: bool = False) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._lines: dict[Path, int] = {}
        self._count = 0
        self._is_json = is_json

    def documents(self) -> Iterator[Placed]:
        """The documents, one after the other; raises `TextProblem`."""
        try:
            yield from self._documents()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise TextProblem(mark.line + 1 if mark else 1, f"is not YAML: {error.problem or error.context}") from error
        except yaml.YAMLError as error:
            raise TextProblem(1, "is not YAML: it holds characters that YAML does not allow") from error
        except (ValueError, OverflowError) as error:
            # An escape for a character that there is none of.
            raise TextProblem(1, "is not YAML: it holds an escape that stands for no character") from error

    def _documents(self) -> Iterator[Placed]:
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if event.version is not None or event.tags:
                raise TextProblem(_line(event), "a directive (%) is not taken")
            self._lines = {}
            data = self._value(next(self._events), ())
            if data is not None:
                yield Placed(data, self._lines)

    def _value(self, event: Any, path: Path) -> Any:
        line = _line(event)
        self._count += 1
        if len(path) > DEPTH_MAX or self._count > VALUE_COUNT_MAX:
            raise TextProblem(line, f"is nested deeper than {DEPTH_MAX} levels, or has over {VALUE_COUNT_MAX} values")
        if isinstance(event, yaml.AliasEvent):
            raise TextProblem(line, f"*{str(event.anchor)[:40]} would be an alias, which is not taken; quote a text")
        if event.anchor is not None or event.tag is not None:
            raise TextProblem(line, "an anchor (&) or a tag (!) is not taken; quote a text that begins so")
        self._lines[path] = line
        if isinstance(event, yaml.ScalarEvent):
            # What JSON's scalars are, its own reader says.
            is_text = event.style is not None or self._is_json
            return event.value if is_text else _plain(event.value, line)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(path))
        return dict(self._pairs(path))

    def _items(self, path: Path) -> Iterator[Any]:
        number = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, (*path, number))
            number += 1

    def _pairs(self, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            key = self._value(event, (*path, "")) if isinstance(event, yaml.ScalarEvent | yaml.AliasEvent) else None
            if not isinstance(key, str):
                raise TextProblem(line, "a key must be a text; quote it")
            if key in seen:
                raise TextProblem(line, f"the key {key[:60]!r} stands there twice")
            seen.add(key)
            yield key, self._value(next(self._events), (*path, key))
            self._lines[*path, key] = line


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _plain(text: str, line: int) -> Any:
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    if _NUMBER.fullmatch(text):
        number = json.loads(text)
        if not isfinite(number):
            raise TextProblem(line, f"{text} is larger than any number")
        return number
    if _AMBIGUOUS.fullmatch(text):
        advice = "quote a text, and write true, false, null and numbers as JSON does"
        raise TextProblem(line, f"{text[:40]} means different things to different readers of YAML; {advice}")
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_duplicates
        )
    except json.JSONDecodeError as error:
        raise TextProblem(error.lineno, f"is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise TextProblem(1, f"is nested deeper than {DEPTH_MAX} levels") from error
    except ValueError as error:
        # An integer of thousands of digits.
        raise TextProblem(1, "holds a number of too many digits") from error


def _refuse_constant(name: str) -> Any:
    raise TextProblem(1, f"{name} is no number that JSON knows")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise TextProblem(1, f"{text[:40]} is larger than any number")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise TextProblem(1, f"the key {key[:60]!r} stands in an object twice")
        found[key] = value
    return found
