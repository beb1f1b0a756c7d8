"""Making what strangers wrote fit to be stored: valid Unicode without NUL, bounded, and no deeper than allowed.

Source of the rule: PostgreSQL stores neither NUL nor half of a surrogate pair, in text nor in jsonb.
"""

import codecs
from collections.abc import Mapping

import orjson
from pydantic import JsonValue

from horolog.limits import OUTPUT_BYTES_MAX
from schemas.base import JSON_DEPTH_MAX
from schemas.events.workers import TaskAssigned

_NUL_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_CHARSETS = frozenset(
    {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16", "utf-16-le", "utf-16-be"}
    | {"shift_jis", "euc_jp", "euc_kr", "gbk", "gb18030", "big5", "koi8-r", "cp1251"}
)
"""Decoded in linear time and without refusing anything; Python knows charsets of which neither is true."""


def clean(text: str) -> str:
    """The text with every NUL and every half of a surrogate pair replaced."""
    if "\0" in text:
        text = text.replace("\0", _NUL_REPLACEMENT)
    return text if text.isascii() else text.encode(errors="replace").decode()


def clip(text: str, length_max: int) -> str:
    """The text, cleaned and cut to at most `length_max` characters; a cut is shown by an ellipsis."""
    text = clean(text)
    return text if len(text) <= length_max else text[: length_max - 1] + "…"


def kept_text(data: bytes, bytes_max: int, charset: str = "utf-8") -> str:
    """The head of `data` as text that takes at most `bytes_max` bytes as JSON; a strange charset is not believed."""
    return fitting(clean(data[:bytes_max].decode(charset if _is_usable(charset) else "utf-8", "replace")), bytes_max)


def fitting(text: str, bytes_max: int) -> str:
    """The head of the text that takes at most `bytes_max` bytes as JSON."""
    while (size := json_size(text)) > bytes_max:
        text = text[: len(text) * bytes_max // (size + 3)]
    return text


def json_size(text: str) -> int:
    """How many bytes the text takes as JSON, without its quotation marks."""
    return len(orjson.dumps(text)) - 2


def kept_bytes_max(task: TaskAssigned) -> int:
    """How much is kept of each stream or answer of the attempt: as much as its tenant may, within the system's own."""
    own = task.output_bytes_max
    return OUTPUT_BYTES_MAX if own is None else min(own, OUTPUT_BYTES_MAX)


def _is_usable(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name in _CHARSETS
    except (LookupError, ValueError):
        return False


def parsed_json(data: bytes) -> JsonValue:
    """The JSON value of `data`, cleaned.

    Raises:
        ValueError: it is not JSON, or nested too deep to be stored.
    """
    value: JsonValue = orjson.loads(data)
    return cleaned(value)


def cleaned(value: JsonValue, depth: int = 0) -> JsonValue:
    """The value with every text in it cleaned.

    Raises:
        ValueError: it is nested deeper than may be stored.
    """
    if depth > JSON_DEPTH_MAX:
        raise ValueError(f"nested deeper than {JSON_DEPTH_MAX} levels")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {clean(key): cleaned(item, depth + 1) for key, item in value.items()}
    return value
