"""The published documents say what the code does: AsyncAPI 3.0 and a JSON Schema for each message type."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from horolog.cli.asyncapi import asyncapi_document, channel_name, message_schema
from horolog.cli.documents import documents, stale, write
from schemas.registry import MESSAGES_OF_TOPIC, MODEL_OF_TYPE
from schemas.topics import (
    JOB_TABLE,
    TOPICS,
)
from tests.unit.schemas.goldens import Golden, goldens

DOCUMENT = asyncapi_document()


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def _resolved(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


@pytest.mark.parametrize("type_", sorted(MODEL_OF_TYPE))
def test_the_schema_of_a_message_is_a_valid_json_schema(type_: str) -> None:
    Draft202012Validator.check_schema(message_schema(MODEL_OF_TYPE[type_]))


@pytest.mark.parametrize("golden", goldens(), ids=lambda golden: golden.name)
def test_a_golden_record_keeps_its_published_schema(golden: Golden) -> None:
    value = json.loads(golden.value)
    Draft202012Validator(message_schema(MODEL_OF_TYPE[golden.type_])).validate(value)
    name = MODEL_OF_TYPE[golden.type_].__name__
    payload = DOCUMENT["components"]["messages"][name]["payload"]
    Draft202012Validator({**payload, "components": DOCUMENT["components"]}).validate(value)


def test_a_published_schema_refuses_unknown_fields() -> None:
    golden = next(golden for golden in goldens() if golden.name == "io.horolog.fire.due.v1")
    value = {**json.loads(golden.value), "shoeSize": 42}
    assert not Draft202012Validator(message_schema(MODEL_OF_TYPE[golden.type_])).is_valid(value)


def test_the_asyncapi_document_has_what_version_3_requires() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= server.keys()
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"].keys() == {"$ref"}


def test_every_reference_leads_somewhere() -> None:
    references = set(_references(DOCUMENT))
    assert len(references) > len(MODEL_OF_TYPE)
    assert all(_resolved(reference) is not None for reference in references)


def test_every_topic_is_a_channel_with_its_messages_and_retention() -> None:
    assert len(DOCUMENT["channels"]) == len(TOPICS)
    for topic in TOPICS:
        channel = DOCUMENT["channels"][channel_name(topic)]
        assert channel["address"] == f"horolog.{topic.name}"
        assert channel["messages"].keys() == {model.__name__ for model in MESSAGES_OF_TOPIC.get(topic, ())}
        configuration = channel["bindings"]["kafka"]["topicConfiguration"]
        assert configuration["cleanup.policy"] == ["compact" if topic.compacted else "delete"]
        assert configuration.get("retention.ms", -1) == topic.retention_ms
    assert DOCUMENT["channels"]["jobTableV1"]["title"] == JOB_TABLE.name


def test_every_message_names_its_type_key_and_headers() -> None:
    messages = DOCUMENT["components"]["messages"]
    assert {message["name"] for message in messages.values()} == set(MODEL_OF_TYPE)
    for message in messages.values():
        assert message["summary"]
        assert message["bindings"]["kafka"]["key"]["type"] == "string"
        assert message["traits"] == [{"$ref": "#/components/messageTraits/cloudEvent"}]


def test_the_headers_of_a_golden_record_keep_the_published_header_schema() -> None:
    schema = DOCUMENT["components"]["schemas"]["CloudEventHeaders"]
    Draft202012Validator.check_schema(schema)
    for golden in goldens():
        headers = {name: text.decode() for name, text in golden.headers}
        Draft202012Validator(schema).validate(headers)
        assert headers.keys() <= schema["properties"].keys()


def test_the_documents_are_the_same_each_time() -> None:
    assert json.dumps(asyncapi_document()) == json.dumps(DOCUMENT)


def test_stale_pages_are_found_written_and_removed(tmp_path: Path) -> None:
    wanted = {Path("cli.md"): "text", Path("schemas/a.json"): "{}"}
    assert stale(tmp_path, wanted) == sorted(wanted)
    assert write(tmp_path, wanted) == sorted(wanted)
    assert stale(tmp_path, wanted) == []
    (tmp_path / "cli.md").write_text("edited")
    (tmp_path / "schemas/gone.json").write_text("{}")
    assert stale(tmp_path, wanted) == [Path("cli.md"), Path("schemas/gone.json")]
    write(tmp_path, wanted)
    assert stale(tmp_path, wanted) == []
    assert not (tmp_path / "schemas/gone.json").exists()


def test_the_pages_under_docs_are_up_to_date() -> None:
    folder = Path(__file__).resolve().parents[3] / "docs"
    assert stale(folder, documents()) == [], "run: horolog docs"
