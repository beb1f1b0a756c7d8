"""The base of every message, and the small vocabulary of field types that they share.

A message is a frozen value; in JSON its fields are camelCase. Unknown fields are refused in both directions.
What callers send is read more strictly than what was once written: see `Value.read` and `Body`.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self, cast

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel

JSON_DEPTH_MAX = 32
UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from error


def _without_nul(value: str) -> str:
    # PostgreSQL can store neither NUL nor half of a surrogate pair: refused here, they never reach it.
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must be valid Unicode (it holds half of a surrogate pair)") from error
    return value


def _storable(value: JsonValue, depth: int = 0) -> JsonValue:
    if depth > JSON_DEPTH_MAX:
        raise ValueError(f"must not be nested deeper than {JSON_DEPTH_MAX} levels")
    if isinstance(value, str):
        _without_nul(value)
    elif isinstance(value, list):
        for item in value:
            _storable(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _without_nul(key)
            _storable(item, depth + 1)
    return value


def _storable_mapping(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _storable(cast("JsonValue", value))
    return value


UtcTime = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An instant; any offset is accepted, UTC is kept."""
Uuid = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
"""A UUID in its canonical, lower-case text form (RFC 9562, section 4)."""
Text = Annotated[str, AfterValidator(_without_nul)]
"""Unicode text that PostgreSQL can store."""
Json = Annotated[JsonValue, AfterValidator(_storable)]
"""Any JSON value that PostgreSQL can store, at most 32 levels deep."""
JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_storable_mapping)]
"""A JSON object with the same bounds as `Json`."""
Actor = Annotated[Text, Field(min_length=1, max_length=200)]
"""Who asked: `user:<id>`, `token:<name>`, `service:<name>` or `system:<part>`."""


_SENT = {"sent": True}


def is_sent(info: ValidationInfo) -> bool:
    """Whether a validator looks at what `Value.read` reads."""
    return info.context is _SENT


class Value(BaseModel):
    """A frozen part of a message."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        ser_json_inf_nan="null",
        # What an error says may reach a log.
        hide_input_in_errors=True,
    )

    @classmethod
    def read(cls, sent: object) -> Self:
        """The value that a caller's JSON data stands for: no type is converted, and fields have camelCase names only.

        Raises:
            pydantic.ValidationError: with every problem.
        """
        # As text: in JSON alone strings stand for instants and enumerations, also where types are strict.
        text = json.dumps(sent)
        return cls.model_validate_json(text, strict=True, by_alias=True, by_name=False, context=_SENT)

    def to_json(self) -> bytes:
        """The value's JSON; optional fields without a value are left out."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)

    def to_dict(self) -> dict[str, JsonValue]:
        """The value as plain JSON data, as `to_json` would write it."""
        return cast("dict[str, JsonValue]", json.loads(self.to_json()))


class Body(Value):
    """A body that a caller sends: no type is converted, and fields have camelCase names only."""

    model_config = ConfigDict(strict=True, validate_by_name=False)


class Message(Value):
    """A value that travels alone: it has a type string, and a tenant whose partition it belongs to."""

    TYPE: ClassVar[str]
    tenant_id: Uuid

    def subject(self) -> str:
        """What the message is about (CloudEvents `subject`); also the record's key unless it says otherwise."""
        return self.tenant_id

    def message_id(self) -> str:
        """Unique among messages of this type (CloudEvents `id`); derived, so that a repeat is recognised."""
        raise NotImplementedError(f"{type(self).__name__} names no message id")
