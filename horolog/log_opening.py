"""The log that a process's settings mean.

Guarantee: Kafka's client is loaded only where there is a Kafka.
"""

from typing import TYPE_CHECKING

from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Log
from horolog.ports import Clock
from horolog.runtime.settings import Settings

if TYPE_CHECKING:
    from horolog.log.kafka import KafkaSettings


async def open_log(settings: Settings, clock: Clock) -> Log:
    """Kafka where its address is set, else the embedded log in the home directory."""
    if settings.kafka_bootstrap is None:
        settings.home.mkdir(parents=True, exist_ok=True)
        return EmbeddedLog.open(settings.home / "log.db", clock, settings.partition_count)
    from horolog.log.kafka import KafkaLog  # noqa: PLC0415 - its client is loaded where it is used

    return await KafkaLog.open(kafka_settings(settings))


def kafka_settings(settings: Settings) -> "KafkaSettings":
    """How whoever talks to the Kafka of these settings has to do so, TLS and passwords included."""
    from horolog.log.kafka import KafkaSettings  # noqa: PLC0415

    assert settings.kafka_bootstrap is not None
    access = settings.kafka_access
    return KafkaSettings(
        bootstrap_servers=settings.kafka_bootstrap,
        prefix=settings.topic_prefix,
        partition_count=settings.partition_count,
        replication_factor=settings.replication_factor,
        session_timeout_ms=settings.session_timeout_ms,
        security_protocol=access.protocol,
        ssl_context=access.tls,
        sasl_mechanism=access.mechanism,
        sasl_username=access.username,
        sasl_password=access.password,
    )
