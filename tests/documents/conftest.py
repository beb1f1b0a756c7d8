"""One installation for all tests of the documents."""

from collections.abc import Iterator

import pytest

from tests.documents.installation import Installation, installed
from tests.plugins.servers import database_on


@pytest.fixture(scope="package")
def installation(kafka_bootstrap: str, postgres_dsn: str, redis_url: str) -> Iterator[Installation]:
    """The processes of `docs/monitoring.md`, on real servers."""
    with database_on(postgres_dsn) as dsn, installed(kafka_bootstrap, dsn, redis_url) as there:
        yield there
