"""JSON answers, entity tags and conditional requests.

Guarantee: an answer is written by one call of orjson from plain values, instants as RFC 3339 in UTC; it is never
stored by a cache in between unless it carries an entity tag, and then only after asking again.
Source: RFC 9110, sections 8.8.3 (ETag), 13.1.1 (If-Match) and 13.1.2 (If-None-Match).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from starlette.responses import Response

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_STRONG_TAG = re.compile(r'"([^"]*)"')
_VERSION_DIGITS_MAX = 9


class Answer(Response):
    """A JSON answer; `content` may hold mappings, sequences, datetimes and JSON's own values."""

    media_type = "application/json"

    def __init__(self, content: Any, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        kept = "private, no-cache" if "ETag" in headers else "no-store"
        super().__init__(content, status, {**headers, "Cache-Control": kept})

    def render(self, content: Any) -> bytes:
        """The body's bytes."""
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def nothing(status: int, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """An answer without a body (204, 304)."""
    return Response(status_code=status, headers={**headers, "Cache-Control": "no-store"})


def tag_of(version: int) -> dict[str, str]:
    """The header that carries a job's version."""
    return {"ETag": f'"{version}"'}


def names_version(if_none_match: str | None, version: int) -> bool:
    """Whether If-None-Match names this version, weakly compared, or any (`*`)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or str(version) in _STRONG_TAG.findall(if_none_match)


def expected_version(if_match: str | None) -> int | None:
    """The version that If-Match demands; None when it demands none, 0 when no version can be what it says."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = _STRONG_TAG.fullmatch(if_match.strip())
    digits = tag.group(1) if tag else ""
    plain = digits.isascii() and digits.isdigit() and len(digits) <= _VERSION_DIGITS_MAX
    return int(digits) if plain and not digits.startswith("0") else 0
