"""What Faust does, asked of Faust itself and written as JSON. Run by the interpreter that has it; needs no broker."""

import asyncio
import json
import ssl
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
from faust.transport.consumer import TransactionManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from horolog.log.kafka import KafkaSettings
from projections.analytics.faust_worker import CommittedThread, CommittedTransport, changelog_name, new_app

SETTINGS = KafkaSettings("127.0.0.1:9", "canary.", 4)
PASSWORD = "a-word-of-these-tests"


async def claims(directory: Path) -> dict[str, Any]:
    """Every claim, by name."""
    app = finalized(SETTINGS, directory)
    table = app.Table("windows", partitions=4)
    return {
        "version": faust.__version__,
        "isolation": {kind.__name__: isolation(app, kind) for kind in (driver.AIOKafkaConsumerThread, CommittedThread)},
        "ours is used": isinstance(app.consumer._new_consumer_thread(), CommittedThread),
        "commits beyond what is in hand": committed_beyond(app),
        "transaction of a topic that is not read": await transaction_elsewhere(),
        "changelog": table.changelog_topic_name == changelog_name(SETTINGS),
        "codecs": [table.key_serializer, table.value_serializer, app.conf.key_serializer, app.conf.value_serializer],
        "access": {protocol: access(protocol, directory) for protocol in ("PLAINTEXT", "SSL", "SASL_SSL")},
    }


def finalized(settings: KafkaSettings, directory: Path) -> Any:
    """An app that is never started."""
    app = new_app(settings, directory)
    app.finalize()
    app.transport = CommittedTransport(app.conf.broker_consumer, app, loop=app.loop)
    return app


def isolation(app: Any, kind: Any) -> str:
    """The isolation level with which this kind of consumer would read."""
    client = kind(app.consumer, loop=app.loop, beacon=app.beacon)._create_worker_consumer(app.transport)
    return str(client._isolation_level)


def committed_beyond(app: Any) -> bool:
    """Whether 6 to 9 being acknowledged lets it commit 10 while 5 is still in hand."""
    place = TP("canary", 0)
    app.consumer._acked[place] = [6, 7, 8, 9]
    app.consumer._committed_offset[place] = 5
    return bool(app.consumer._new_offset(place) == 10)


async def transaction_elsewhere() -> Any:
    """The transaction in which it writes to a topic that it does not read."""
    sent: list[dict[str, Any]] = []

    async def send(*_: Any, **named: Any) -> None:
        sent.append(named)

    manager: Any = SimpleNamespace(
        consumer=SimpleNamespace(key_partition=lambda *_: None),
        producer=SimpleNamespace(send=send),
        app=SimpleNamespace(conf=SimpleNamespace(id="canary")),
    )
    await TransactionManager.send(manager, "elsewhere", b"key", b"value", None, None, None)
    return sent[0]["transactional_id"]


def access(protocol: str, directory: Path) -> dict[str, Any]:
    """How it would connect with this protocol."""
    context = None if protocol == "PLAINTEXT" else ssl.create_default_context()
    settings = KafkaSettings(
        "127.0.0.1:9",
        security_protocol=protocol,
        ssl_context=context,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="horolog",
        sasl_password=PASSWORD,
    )
    conf = finalized(settings, directory).conf
    options = dict(driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context))
    return {
        "protocol": options["security_protocol"],
        "context": options.get("ssl_context") is context,
        "mechanism": options.get("sasl_mechanism"),
        "password": options.get("sasl_plain_password") == PASSWORD,
        "told": PASSWORD in repr(conf.broker_credentials),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        json.dump(asyncio.run(claims(Path(scratch))), sys.stdout)
