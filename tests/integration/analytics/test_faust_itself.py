"""What we know of Faust and rely on, or work around. When one of these fails, read `faust_worker` before going on.

No broker is needed. The numbers are those of issues of faust-streaming/faust.
"""

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.transport.consumer import TransactionManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from horolog.log.kafka import KafkaSettings
from projections.analytics.faust_worker import CommittedThread, CommittedTransport, changelog_name, new_app

SETTINGS = KafkaSettings("127.0.0.1:9", "canary.", 4)


@pytest.fixture
async def app(tmp_path: Path) -> Any:
    """An app that is never started."""
    made = new_app(SETTINGS, tmp_path)
    made.finalize()
    made.transport = CommittedTransport(made.conf.broker_consumer, made, loop=made.loop)
    return made


def test_it_is_the_version_whose_behaviour_was_measured() -> None:
    assert faust.__version__ == "0.15.3"


async def test_left_alone_it_reads_what_is_not_committed_and_ours_does_not(app: Any) -> None:
    found = {}
    for kind in (driver.AIOKafkaConsumerThread, CommittedThread):
        client = kind(app.consumer, loop=app.loop, beacon=app.beacon)._create_worker_consumer(app.transport)
        found[kind] = client._isolation_level
        # It was never started, and says so when it is collected.
        client._closed = True
    assert found == {driver.AIOKafkaConsumerThread: "read_uncommitted", CommittedThread: "read_committed"}
    assert isinstance(app.consumer._new_consumer_thread(), CommittedThread)


async def test_it_commits_beyond_a_record_that_is_still_in_hand(app: Any) -> None:
    """#606: why one record is counted after the other, and none acknowledged out of order."""
    place = TP("canary", 0)
    app.consumer._acked[place] = [6, 7, 8, 9]
    app.consumer._committed_offset[place] = 5
    assert app.consumer._new_offset(place) == 10


async def test_its_transactions_leave_out_topics_that_it_does_not_read() -> None:
    """#177: why nothing of it is exactly once."""
    sent: list[dict[str, Any]] = []

    async def send(*_: Any, **named: Any) -> None:
        sent.append(named)

    manager: Any = SimpleNamespace(
        consumer=SimpleNamespace(key_partition=lambda *_: None),
        producer=SimpleNamespace(send=send),
        app=SimpleNamespace(conf=SimpleNamespace(id="canary")),
    )
    await TransactionManager.send(manager, "elsewhere", b"key", b"value", None, None, None)
    assert sent == [{"transactional_id": None}]


async def test_the_table_is_kept_in_the_topic_that_we_create_and_as_json(app: Any) -> None:
    table = app.Table("windows", partitions=4)
    assert table.changelog_topic_name == changelog_name(SETTINGS)
    assert (table.key_serializer, table.value_serializer) == ("json", "json")
    assert (app.conf.key_serializer, app.conf.value_serializer) == ("raw", "raw")


@pytest.mark.parametrize(
    ("protocol", "wanted"),
    [("PLAINTEXT", None), ("SSL", "SSL"), ("SASL_SSL", "SASL_SSL")],
)
async def test_it_proves_who_it_is_as_everybody_does(tmp_path: Path, protocol: str, wanted: str | None) -> None:
    context = ssl.create_default_context() if wanted else None
    settings = KafkaSettings(
        "127.0.0.1:9",
        security_protocol=protocol,
        ssl_context=context,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="horolog",
        sasl_password="a-word-of-these-tests",
    )
    made = new_app(settings, tmp_path)
    made.finalize()
    auth = driver.credentials_to_aiokafka_auth(made.conf.broker_credentials, made.conf.ssl_context)
    assert auth.get("ssl_context") is context
    assert auth["security_protocol"] == (wanted or "PLAINTEXT")
    if protocol == "SASL_SSL":
        assert (auth["sasl_mechanism"], auth["sasl_plain_username"]) == ("SCRAM-SHA-512", "horolog")
    assert "a-word-of-these-tests" not in repr(made.conf.broker_credentials)
