"""What the release before this one can read: every type of message, every field and every word of an enumeration.

`python -m tests.unit.schemas.previous` writes the golden file from that release's published schemas, when
`tests.plugins.previous_release` names another one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.base import Message
from schemas.registry import MODEL_OF_TYPE
from tests.plugins.previous_release import ROOT, text_of

FILE = ROOT / "tests" / "golden" / "releases" / "previous.json"


@dataclass(frozen=True, slots=True)
class Readable:
    """What a release can read: fields by model, words by enumeration."""

    types: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    words: Mapping[str, Sequence[str]]


def known_before() -> Readable:
    """What the golden file says of the release before."""
    return Readable(**json.loads(FILE.read_text(encoding="utf-8")))


def known_now() -> Readable:
    """What this release can read."""
    return readable({type_: model.model_json_schema() for type_, model in MODEL_OF_TYPE.items()})


def readable(schema_of_type: Mapping[str, Mapping[str, Any]]) -> Readable:
    """What the JSON Schemas of all types tell."""
    parts = {schema["title"]: schema for schema in _parts(schema_of_type.values())}
    return Readable(
        sorted(schema_of_type),
        {name: sorted(part["properties"]) for name, part in sorted(parts.items()) if "properties" in part},
        {name: sorted(part["enum"]) for name, part in sorted(parts.items()) if "enum" in part},
    )


def _parts(schemas: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for schema in schemas:
        yield schema
        yield from schema.get("$defs", {}).values()


def _published(type_: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(text_of(f"docs/schemas/{type_}.json"))
    return schema


def _types_before() -> list[str]:
    names = json.loads(text_of("docs/asyncapi.json"))["components"]["messages"]
    models: dict[str, type[Message]] = {model.__name__: model for model in MODEL_OF_TYPE.values()}
    return [models[name].TYPE for name in names]


if __name__ == "__main__":
    found = readable({type_: _published(type_) for type_ in _types_before()})
    FILE.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
