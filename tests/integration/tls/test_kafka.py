"""Kafka over TLS: with a certificate, or with a name and a password; nobody is talked to who proves to be nobody."""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.cluster import LocalKafka
from deploy.local.kafka_config import SecureListeners
from deploy.local.ports import free_ports
from horolog.adapters.system import SystemClock
from horolog.cli.doctor_log import examine_log
from horolog.cli.replay_source import open_source
from horolog.log.port import Log, LogUnavailable, Outgoing, Place
from horolog.log_opening import kafka_settings, open_log
from horolog.runtime.settings import from_environment
from schemas.topics import ANALYTICS, COMMANDS, TOPICS
from tests.faults.deployment import running
from tests.integration.analytics.interpreter import PYTHON
from tests.integration.analytics.world import POLL_S, written_now
from tests.integration.tls.certificates import Authority, authority
from tests.unit.projections.facts import HOME, PARTITIONS, admitted

pytestmark = pytest.mark.kafka
COUNT_S_MAX = 90.0
USER, PASSWORD = "horolog", "a-word-of-these-tests"


@dataclass(frozen=True)
class Broker:
    """A broker with both kinds of listener, and what its clients need."""

    certificate_address: str
    password_address: str
    ours: Authority
    client: Mapping[str, str]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One broker for these tests."""
    with tempfile.TemporaryDirectory(prefix="horolog-kafka-tls-") as folder:
        home = Path(folder)
        ours = authority(home)
        served, held = ours.issue("kafka"), ours.issue("client")
        identity = home / "identity.pem"
        identity.write_bytes(Path(served.key or "").read_bytes() + Path(served.certificate or "").read_bytes())
        with_certificate, with_password = free_ports(2)
        secure = SecureListeners(with_certificate, with_password, identity, Path(ours.file), {USER: PASSWORD})
        with LocalKafka(home / "kafka", secure=secure):
            client = {
                "KAFKA_SSL_CA_FILE": ours.file,
                "KAFKA_SSL_CERT_FILE": held.certificate or "",
                "KAFKA_SSL_KEY_FILE": held.key or "",
            }
            yield Broker(f"127.0.0.1:{with_certificate}", f"127.0.0.1:{with_password}", ours, client)


async def _written_and_read(environment: Mapping[str, str]) -> bytes | None:
    """What is read of a record after a service with this environment has written it."""
    settings = from_environment(
        {**environment, "HOROLOG_TOPIC_PREFIX": _prefix(environment), "HOROLOG_PARTITIONS": "1"}
    )
    log = await open_log(settings, SystemClock())
    try:
        await log.create_topics()
        await log.append([Outgoing(COMMANDS.name, 0, b"key", b"value")])
        place = Place(COMMANDS.name, 0)
        async with aclosing(log.scan(place, 0, 1)) as batches:  # type: ignore[type-var] # they are generators
            (value,) = [record.value async for records in batches for record in records]
            return value
    finally:
        await log.close()


async def test_a_service_with_a_certificate_writes_and_reads(broker: Broker) -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": broker.certificate_address,
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        **broker.client,
    }
    assert await _written_and_read(environment) == b"value"


async def test_a_service_with_a_password_writes_and_reads(broker: Broker) -> None:
    assert await _written_and_read(_with_password(broker, PASSWORD)) == b"value"


async def test_an_auditor_reads_and_the_doctor_asks_with_the_same_password(broker: Broker) -> None:
    environment = _with_password(broker, PASSWORD)
    assert await _written_and_read(environment) == b"value"
    told = {**environment, "HOROLOG_TOPIC_PREFIX": _prefix(environment), "HOROLOG_PARTITIONS": "1"}
    settings = from_environment(told)
    async with open_source(settings) as source:
        assert (await source.ends([Place(COMMANDS.name, 0)]))[Place(COMMANDS.name, 0)] > 0
    assert f"{len(TOPICS)} topics of 1 partitions" in (await examine_log(kafka_settings(settings)))[0].found


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_analytics_worker_uses_the_same_password(broker: Broker, tmp_path: Path) -> None:
    environment = {**_with_password(broker, PASSWORD), "HOROLOG_TOPIC_PREFIX": "tls-analytics."}
    environment |= {"HOROLOG_PARTITIONS": str(PARTITIONS), "PROMETHEUS_PORT": "0"}
    log = await open_log(from_environment(environment), SystemClock())
    try:
        await log.create_topics()
        await log.append([written_now(admitted())])
        place = Place(ANALYTICS.name, HOME)
        with running({**os.environ, **environment}, tmp_path, ("analytics",), python=str(PYTHON)):
            await asyncio.wait_for(_anything_at(log, place), COUNT_S_MAX)
    finally:
        await log.close()
    assert PASSWORD not in (tmp_path / "analytics-0.log").read_text()


async def _anything_at(log: Log, place: Place) -> None:
    while not (await log.ends([place]))[place]:
        await asyncio.sleep(POLL_S)


async def test_a_wrong_password_and_a_missing_certificate_get_nowhere(broker: Broker) -> None:
    anonymous = {
        "KAFKA_BOOTSTRAP_SERVERS": broker.certificate_address,
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        "KAFKA_SSL_CA_FILE": broker.ours.file,
    }
    for environment in (_with_password(broker, "another-word"), anonymous):
        with pytest.raises(LogUnavailable) as refused:
            await _written_and_read(environment)
        assert "another-word" not in str(refused.value)


async def test_a_broker_of_a_strange_authority_is_not_talked_to(broker: Broker, tmp_path: Path) -> None:
    deceived = {**_with_password(broker, PASSWORD), "KAFKA_SSL_CA_FILE": authority(tmp_path, "strange").file}
    with pytest.raises(LogUnavailable):
        await _written_and_read(deceived)


def _prefix(environment: Mapping[str, str]) -> str:
    return f"tls-{os.getpid()}-{environment['KAFKA_SECURITY_PROTOCOL'].lower()}."


def _with_password(broker: Broker, password: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": broker.password_address,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SSL_CA_FILE": broker.ours.file,
        "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": USER,
        "KAFKA_SASL_PASSWORD": password,
    }
