"""Where Kafka is and how it is spoken to: one frozen value, whose bounds keep each other's order."""

import ssl
from dataclasses import dataclass, field

from schemas.topics import PARTITION_COUNT_DEFAULT

HEARTBEAT_MS_MAX = 300
"""Members hear of a change in their group with the next heartbeat, so all of them wait about this long for each."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How long each wait may be is bounded here; the defaults suit a cluster in one region.

    `bootstrap_servers` are `host:port` joined by commas. `replication_factor` None means three, or as many as there
    are brokers. `fetch_wait_ms` is how long a broker keeps an idle fetch: a reader whose places change waits twice that
    at most; a new record ends the wait at once. `oauth_token_provider` is an `aiokafka.abc.AbstractTokenProvider`.
    """

    bootstrap_servers: str
    prefix: str = "horolog."
    partition_count: int = PARTITION_COUNT_DEFAULT
    replication_factor: int | None = None
    session_timeout_ms: int = 6_000
    transaction_timeout_ms: int = 15_000
    commit_timeout_ms: int = 10_000
    open_timeout_ms: int = 20_000
    append_timeout_ms: int = 10_000
    lookup_timeout_ms: int = 15_000
    request_timeout_ms: int = 8_000
    fetch_wait_ms: int = 250
    security_protocol: str = "PLAINTEXT"
    ssl_context: ssl.SSLContext | None = None
    sasl_mechanism: str = "PLAIN"
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    oauth_token_provider: object | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other.

        Raises:
            ValueError: with the two that do.
        """
        # A commit must have been given up before the coordinator aborts it and reports a fencing that was none.
        if self.commit_timeout_ms >= self.transaction_timeout_ms:
            raise ValueError("commit_timeout_ms must be below transaction_timeout_ms")

    @property
    def heartbeat_ms(self) -> int:
        """At most a third of the session: two heartbeats may be lost."""
        return min(self.session_timeout_ms // 3, HEARTBEAT_MS_MAX)

    @property
    def rebalance_timeout_ms(self) -> int:
        """How long a rebalance waits for a member that is alive; ours only ever wait for the next heartbeat."""
        return 2 * self.session_timeout_ms

    def topic(self, name: str) -> str:
        """The full name of a topic of the port."""
        return self.prefix + name
