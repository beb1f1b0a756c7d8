"""The broker's properties: KRaft, combined broker and controller, sized for a two-core machine.

Deviations from Kafka's defaults have one of three aims, named beside them: small (threads and buffers), quick
(waits that only make sense in a large cluster), strict (what production should have, too).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK

MESSAGE_BYTES_MAX = 12 * 1024 * 1024
HEAP_MB_MAX = 512
HEAP_MB_START = 128


@dataclass(frozen=True, slots=True)
class Node:
    """One broker: `number` counts from 1, `home` holds its properties, log and data."""

    number: int
    broker_port: int
    controller_port: int
    home: Path

    @property
    def address(self) -> str:
        """Host and port for clients."""
        return f"{LOOPBACK}:{self.broker_port}"


@dataclass(frozen=True, slots=True)
class SecureListeners:
    """Two more addresses of a cluster of one node: one for clients with a certificate, one for those with a password.

    `identity` is a PEM file with the broker's private key and its certificate, `authorities` one with those whose
    clients are let in. `users` are names and passwords.
    """

    certificate_port: int
    password_port: int
    identity: Path
    authorities: Path
    users: Mapping[str, str]


def properties(node: Node, nodes: tuple[Node, ...], secure: SecureListeners | None = None) -> str:
    """Return server.properties for `node` as a member of the cluster `nodes`."""
    copies = len(nodes)
    in_sync_min = 1 if copies == 1 else copies - 1
    values = _identity(node, nodes) | _strict(copies, in_sync_min) | _small() | _quick()
    if secure is not None:
        values = _with_listeners(values, secure)
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _with_listeners(values: dict[str, object], secure: SecureListeners) -> dict[str, object]:
    added = f",SSL://{LOOPBACK}:{secure.certificate_port},SASL_SSL://{LOOPBACK}:{secure.password_port}"
    users = " ".join(f'user_{name}="{password}"' for name, password in secure.users.items())
    return values | {
        "listeners": f"{values['listeners']}{added}",
        "advertised.listeners": f"{values['advertised.listeners']}{added}",
        "listener.security.protocol.map": f"{values['listener.security.protocol.map']},SSL:SSL,SASL_SSL:SASL_SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": secure.identity,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": secure.authorities,
        "ssl.enabled.protocols": "TLSv1.3",
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        ),
    }


def java_options() -> tuple[str, ...]:
    """Return JVM flags that cost the least CPU and memory on a small machine.

    Serial and parallel collection cost the same CPU here, serial a third less memory. Without the second
    compiler a broker needs half the CPU in its first seconds, and is still no dearer after 4 million records.
    """
    return (
        f"-Xms{HEAP_MB_START}m",
        f"-Xmx{HEAP_MB_MAX}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        # Otherwise every start maps a file below /tmp and writes to it.
        "-XX:-UsePerfData",
        "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    )


def _identity(node: Node, nodes: tuple[Node, ...]) -> dict[str, object]:
    voters = ",".join(f"{peer.number}@{LOOPBACK}:{peer.controller_port}" for peer in nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{node.address},CONTROLLER://{LOOPBACK}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": node.home / "data",
    }


def _strict(copies: int, in_sync_min: int) -> dict[str, object]:
    return {
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync_min,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync_min,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync_min,
        "message.max.bytes": MESSAGE_BYTES_MAX,
        "replica.fetch.max.bytes": MESSAGE_BYTES_MAX,
    }


def _small() -> dict[str, object]:
    return {
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "group.coordinator.threads": 1,
        "group.coordinator.background.threads": 1,
        "num.recovery.threads.per.data.dir": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.num.partitions": 1,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "log.segment.bytes": 256 * 1024 * 1024,
        # Each open segment maps two indexes of this size; 1 MiB is enough for 512 MiB of log.
        "log.index.size.max.bytes": 1024 * 1024,
    }


def _quick() -> dict[str, object]:
    return {
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        "broker.heartbeat.interval.ms": 1000,
        "broker.session.timeout.ms": 5000,
        "controller.quorum.append.linger.ms": 5,
    }
