"""Messages to records and back: CloudEvents 1.0, Kafka binary mode, strict both ways.

The attributes travel as headers (`ce_id`, `ce_type`, `ce_source`, `ce_specversion`, `ce_time`, `ce_subject`,
`content-type`, and `traceparent` when there is one), the value is the message as JSON.
Source: CloudEvents 1.0.2, Kafka protocol binding, section 3.2.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import orjson
from pydantic import ValidationError

from schemas.base import Message
from schemas.registry import MESSAGES_OF_TOPIC, MODEL_OF_TYPE
from schemas.topics import RECORD_BYTES_MAX, TOPICS
from schemas.upcast import UPCASTERS, upcast

Headers = tuple[tuple[str, bytes], ...]

_SPEC_VERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", b"application/json")
_TYPE_BYTES = {model.TYPE: ("ce_type", model.TYPE.encode()) for model in MODEL_OF_TYPE.values()}
_TYPES_OF_TOPIC = {topic.name: frozenset(m.TYPE for m in models) for topic, models in MESSAGES_OF_TOPIC.items()}
_TOPIC_NAMES = frozenset(topic.name for topic in TOPICS)


class RecordError(ValueError):
    """A record that is not one of ours: not JSON, of unknown type, too large, or breaking its type's rules."""


def headers_of(message: Message, source: str, at: datetime, traceparent: str | None = None) -> Headers:
    """The CloudEvents attributes of a message, as record headers."""
    head = (
        _SPEC_VERSION,
        _CONTENT_TYPE,
        _TYPE_BYTES[message.TYPE],
        ("ce_id", message.message_id().encode()),
        ("ce_source", source.encode()),
        ("ce_time", at.isoformat().encode()),
        ("ce_subject", message.subject().encode()),
    )
    return (*head, ("traceparent", traceparent.encode())) if traceparent else head


def type_of(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The CloudEvents type among a record's headers, if there is one."""
    for name, value in headers:
        if name == "ce_type":
            return value.decode("utf-8", "replace")
    return None


def traceparent_of(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The W3C trace context among a record's headers, whatever it says, if there is one."""
    for name, value in headers:
        if name == "traceparent":
            return value.decode("utf-8", "replace")
    return None


def time_of(headers: Sequence[tuple[str, bytes]]) -> datetime | None:
    """The CloudEvents time among a record's headers, if there is one that can be read."""
    for name, value in headers:
        if name == "ce_time":
            try:
                at = datetime.fromisoformat(value.decode())
            except ValueError:
                return None
            return None if at.tzinfo is None else at
    return None


def decode(topic: str, headers: Sequence[tuple[str, bytes]], value: bytes | None) -> Message:
    """The message of one record read from `topic` (named without prefix).

    Raises:
        RecordError: with a sentence that says what is wrong; the record belongs to the dead-letter topic.
    """
    if value is None:
        raise RecordError("the record has no value")
    if len(value) > RECORD_BYTES_MAX:
        raise RecordError(f"the record has {len(value)} bytes, more than the {RECORD_BYTES_MAX} allowed")
    type_ = type_of(headers)
    if type_ is None:
        raise RecordError("the record has no ce_type header")
    if type_ in UPCASTERS:
        type_, data = upcast(type_, _json_object(value))
        value = orjson.dumps(data)
    model = MODEL_OF_TYPE.get(type_)
    if model is None:
        raise RecordError(f"the type {type_[:200]!r} is unknown")
    if topic in _TOPIC_NAMES and type_ not in _TYPES_OF_TOPIC.get(topic, ()):
        raise RecordError(f"the type {type_!r} does not belong on the topic {topic!r}")
    try:
        return cast("Message", model.__pydantic_validator__.validate_json(value))
    except ValidationError as error:
        raise RecordError(_sentence(error)) from error


def _json_object(value: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"the value is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise RecordError("the value is not a JSON object")
    return cast("dict[str, Any]", data)


def _sentence(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    shown = "; ".join(f"{'.'.join(map(str, p['loc'])) or 'value'}: {p['msg']}" for p in problems[:5])
    return f"the value breaks its type's rules: {shown}"[:2000]
