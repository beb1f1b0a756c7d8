"""Every record ever released stays readable, byte for byte, and what is not one of ours is refused."""

import json
from pathlib import Path

import pytest

from schemas.codec import RecordError, decode, headers_of
from schemas.commands import CreateJob
from schemas.jobs import Misfire, Overlap
from schemas.registry import MODEL_OF_TYPE
from schemas.topics import COMMANDS, FIRES, RECORD_BYTES_MAX
from schemas.upcast import UPCASTERS
from tests.unit.schemas.goldens import (
    SOURCE,
    TRACE,
    Golden,
    all_samples,
    encoded,
    goldens,
    named_samples,
    write_missing,
)
from tests.unit.schemas.samples import AT

GOLDENS = goldens()
FIRE = next(golden for golden in GOLDENS if golden.name == "io.horolog.fire.due.v1")


def test_every_registered_type_has_a_golden_record() -> None:
    assert {golden.type_ for golden in GOLDENS} == MODEL_OF_TYPE.keys() | UPCASTERS.keys()


def test_every_registered_type_has_a_sample() -> None:
    assert sorted(message.TYPE for message in all_samples()) == sorted(MODEL_OF_TYPE)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_a_golden_record_decodes_and_encodes_to_the_same_bytes(golden: Golden) -> None:
    message = decode(golden.topic, golden.headers, golden.value)
    if golden.type_ not in UPCASTERS:
        assert golden.type_ == message.TYPE
        assert message.to_json() == golden.value
        assert headers_of(message, SOURCE, AT, TRACE) == golden.headers


@pytest.mark.parametrize("name", named_samples())
def test_a_sample_is_written_as_its_golden_record(name: str) -> None:
    wanted = {golden.name: (golden.headers, golden.value) for golden in GOLDENS}
    assert encoded(named_samples()[name]) == wanted[name]


def test_what_was_written_before_there_were_policies_has_the_default_ones() -> None:
    golden = next(golden for golden in GOLDENS if golden.name == "io.horolog.job.create.v1")
    message = decode(golden.topic, golden.headers, golden.value)
    assert isinstance(message, CreateJob)
    definition = message.definition
    assert (definition.misfire, definition.overlap, definition.delivery) == (Misfire(), Overlap(), "at_least_once")


def test_message_ids_name_each_message_of_its_type() -> None:
    assert all(0 < len(message.message_id()) <= 300 for message in all_samples())


def test_golden_files_that_exist_are_left_alone(tmp_path: Path) -> None:
    assert len(write_missing(tmp_path)) == len(named_samples())
    assert write_missing(tmp_path) == []


def test_an_unknown_type_is_refused() -> None:
    headers = (("ce_type", b"io.horolog.fire.due.v99"),)
    with pytest.raises(RecordError, match="unknown"):
        decode(FIRES.name, headers, FIRE.value)


def test_a_record_without_a_type_is_refused() -> None:
    with pytest.raises(RecordError, match="no ce_type"):
        decode(FIRES.name, (), FIRE.value)


def test_a_record_without_a_value_is_refused() -> None:
    with pytest.raises(RecordError, match="no value"):
        decode(FIRES.name, FIRE.headers, None)


def test_an_extra_field_is_refused() -> None:
    value = json.dumps({**json.loads(FIRE.value), "shoeSize": 42}).encode()
    with pytest.raises(RecordError, match="shoeSize"):
        decode(FIRES.name, FIRE.headers, value)


def test_a_missing_field_is_refused() -> None:
    fields = {name: value for name, value in json.loads(FIRE.value).items() if name != "fireId"}
    with pytest.raises(RecordError, match="fireId"):
        decode(FIRES.name, FIRE.headers, json.dumps(fields).encode())


@pytest.mark.parametrize("value", [b"", b"not json", b"[1,2]", b"null", b'"text"', b"\xff\xfe", b'{"a":'])
def test_a_value_that_is_no_json_object_is_refused(value: bytes) -> None:
    with pytest.raises(RecordError):
        decode(FIRES.name, FIRE.headers, value)


def test_a_record_that_is_too_large_is_refused() -> None:
    with pytest.raises(RecordError, match="bytes"):
        decode(FIRES.name, FIRE.headers, b" " * RECORD_BYTES_MAX + FIRE.value)


def test_a_type_on_a_topic_of_another_is_refused() -> None:
    with pytest.raises(RecordError, match="does not belong"):
        decode(COMMANDS.name, FIRE.headers, FIRE.value)


@pytest.mark.parametrize("tenant", ["", "x", "6F1C1F7E-0000-4000-8000-000000000001", "../../etc/passwd"])
def test_a_tenant_that_is_no_canonical_uuid_is_refused(tenant: str) -> None:
    value = json.dumps({**json.loads(FIRE.value), "tenantId": tenant}).encode()
    with pytest.raises(RecordError, match="tenantId"):
        decode(FIRES.name, FIRE.headers, value)
