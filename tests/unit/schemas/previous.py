"""What the release before this one can read: every type of message, every field and every word of an enumeration.

`python -m tests.unit.schemas.previous` writes the golden file from that release's published schemas, when
`tests.plugins.previous_release` names another one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.registry import MODEL_OF_TYPE
from schemas.topics import TOPICS
from tests.plugins.previous_release import ROOT, text_of

PREFIX = "horolog."
FILE = ROOT / "tests" / "golden" / "releases" / "previous.json"


@dataclass(frozen=True, slots=True)
class Readable:
    """What a release can read: the topics that it knows, the types on them, fields by model, words by enumeration."""

    topics: Sequence[str]
    types: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    words: Mapping[str, Sequence[str]]


def known_before() -> Readable:
    """What the golden file says of the release before."""
    return Readable(**json.loads(FILE.read_text(encoding="utf-8")))


def known_now() -> Readable:
    """What this release can read."""
    schemas = {type_: model.model_json_schema() for type_, model in MODEL_OF_TYPE.items()}
    return readable([topic.name for topic in TOPICS], schemas)


def readable(topics: Sequence[str], schema_of_type: Mapping[str, Mapping[str, Any]]) -> Readable:
    """What the JSON Schemas of all types tell."""
    parts = {schema["title"]: schema for schema in _parts(schema_of_type.values()) if "title" in schema}
    return Readable(
        sorted(topics),
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


def _before() -> Readable:
    document = json.loads(text_of("docs/asyncapi.json"))
    models = {model.__name__: model.TYPE for model in MODEL_OF_TYPE.values()}
    types = [models[name] for name in document["components"]["messages"]]
    topics = [channel["address"].removeprefix(PREFIX) for channel in document["channels"].values()]
    return readable(topics, {type_: _published(type_) for type_ in types})


if __name__ == "__main__":
    FILE.write_text(json.dumps(asdict(_before()), indent=1) + "\n", encoding="utf-8")
