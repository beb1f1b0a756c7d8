"""How a topic differs from what it is to be, and what `horolog topics` says where there is nothing to compare."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from horolog.cli.__main__ import main
from horolog.cli.preparation import TopicsFound, look_at_topics
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.kafka.topic_check import EXISTENCE, PARTITIONS, REPLICAS, Standing, differences
from horolog.log.kafka.topics import topic_configs
from horolog.runtime.settings import Settings
from schemas.topics import COMMANDS, EXECUTIONS, JOB_TABLE, TOPICS, Topic

KAFKA = KafkaSettings("127.0.0.1:1", partition_count=4)


def standing(topic: Topic, replicas: int = 3, changed: Mapping[str, str] = MappingProxyType({})) -> Standing:
    """A topic as it is to be, but for these configurations."""
    return Standing(4, replicas, {**topic_configs(topic, replicas), **changed}, {})


def parts(topic: Topic, found: Standing | None, replicas: int = 3) -> list[str]:
    return [one.part for one in differences(topic, found, KAFKA, replicas)]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("replicas", [1, 3, 5])
def test_a_topic_that_is_as_it_is_to_be_does_not_differ(topic: Topic, replicas: int) -> None:
    assert parts(topic, standing(topic, replicas), replicas) == []


@pytest.mark.parametrize(
    ("topic", "configs", "expected"),
    [
        (EXECUTIONS, {"retention.ms": "604800000"}, ["retention.ms"]),
        (EXECUTIONS, {"retention.bytes": "1000000000"}, ["retention.bytes"]),
        (EXECUTIONS, {"cleanup.policy": "compact"}, ["cleanup.policy"]),
        (COMMANDS, {"retention.ms": "1000"}, ["retention.ms"]),
        (COMMANDS, {"retention.ms": "9999999999"}, []),
        (COMMANDS, {"retention.ms": "-1"}, []),
        (COMMANDS, {"min.insync.replicas": "1"}, ["min.insync.replicas"]),
        (COMMANDS, {"min.insync.replicas": "3"}, []),
        (COMMANDS, {"max.message.bytes": "1000"}, ["max.message.bytes"]),
        (JOB_TABLE, {"cleanup.policy": "delete"}, ["cleanup.policy"]),
        (JOB_TABLE, {"cleanup.policy": "compact,delete"}, ["cleanup.policy"]),
    ],
)
def test_less_than_is_wanted_differs_and_more_does_not(
    topic: Topic, configs: dict[str, str], expected: list[str]
) -> None:
    assert parts(topic, standing(topic, changed=configs)) == expected


def test_what_no_repair_mends_is_told_as_such() -> None:
    smaller = replace(standing(COMMANDS, replicas=1), partition_count=2)
    found = differences(COMMANDS, smaller, KAFKA, 3)
    assert [(one.part, one.is_mendable) for one in found] == [(PARTITIONS, False), (REPLICAS, False)]
    assert parts(COMMANDS, None) == [EXISTENCE]


async def test_the_embedded_log_has_nothing_to_compare(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, member="m")
    created = await look_at_topics(settings, check=False, repair=True)
    assert (len(created.created), created.differences) == (len(TOPICS), ())
    checked = await look_at_topics(settings, check=True, repair=False)
    assert "there is nothing to compare" in checked.told()
    assert checked.to_dict() == {"created": [], "mended": [], "differences": []}


def test_what_is_found_is_told_with_what_to_do_about_it() -> None:
    wrong = differences(EXECUTIONS, standing(EXECUTIONS, changed={"retention.ms": "1000"}), KAFKA, 3)
    told = TopicsFound((), differences=wrong).told()
    assert "executions.v1: retention.ms is 1000, and is to be -1" in told
    assert "horolog topics --repair" in told


def test_checking_and_mending_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topics", "--check", "--repair"]) == 2
    assert "--check changes nothing" in capsys.readouterr().err
