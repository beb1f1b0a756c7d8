"""What the release before cannot read is known, field by field, and found in whatever is about to be written."""

from dataclasses import asdict

import pytest

from schemas.base import Value
from schemas.codec import decode
from schemas.registry import MESSAGES_OF_TOPIC
from schemas.releases import added_to, unread_before
from tests.unit.schemas.goldens import goldens, named_samples
from tests.unit.schemas.previous import known_before, known_now

BEFORE, NOW = known_before(), known_now()
ADDED_HERE = {"control-groups", "functions", "disabled", "within", "start"}
"""The golden records that this release has added."""


def models() -> dict[str, type[Value]]:
    """Every model of what is written to the log, by its name."""
    found: dict[str, type[Value]] = {}
    waiting: list[type[Value]] = [Value]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.__module__.startswith("schemas.") and not model.__module__.startswith("schemas.http"):
            found[model.__name__] = model
    return found


def test_every_field_that_the_release_before_does_not_know_is_listed_and_no_other() -> None:
    known = models()
    for name, before in BEFORE.fields.items():
        listed = {str(known[name].model_fields[field].alias) for field in added_to(known[name])}
        assert set(NOW.fields[name]) - set(before) == listed, name


def test_no_type_is_new_on_a_topic_that_the_release_before_reads_and_none_is_gone() -> None:
    known = {topic.name: {model.TYPE for model in models_} for topic, models_ in MESSAGES_OF_TOPIC.items()}
    now = {type_ for topic, types in known.items() if topic in BEFORE.topics for type_ in types}
    assert now == set(BEFORE.types)


def test_no_field_and_no_word_that_the_release_before_writes_is_gone() -> None:
    for kind in ("fields", "words"):
        before, now = asdict(BEFORE)[kind], asdict(NOW)[kind]
        assert [name for name, known in before.items() if not set(known) <= set(now.get(name, ()))] == []


def test_no_word_is_added_to_an_enumeration_that_the_release_before_reads() -> None:
    assert {name: words for name, words in NOW.words.items() if name in BEFORE.words} == dict(BEFORE.words)


@pytest.mark.parametrize("name", sorted(named_samples()))
def test_what_cannot_be_read_is_found_in_the_records_that_have_it_and_in_no_other(name: str) -> None:
    golden = next(golden for golden in goldens() if golden.name == name)
    message = decode(golden.topic, golden.headers, golden.value)
    assert bool(unread_before(message)) == (name.partition("+")[2] in ADDED_HERE)


def test_a_field_is_told_by_its_path() -> None:
    sample = named_samples()["io.horolog.tenant.tabled.v1+disabled"]
    assert unread_before(sample) == ("tenant.ownSettings", "tenant.disabledOwners")
