"""One installation for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.documents.installation import Installation, installed


@pytest.fixture(scope="module")
def installation(kafka_bootstrap: str, module_database: str, redis_url: str) -> Iterator[Installation]:
    """The processes of `docs/monitoring.md`, on real servers."""
    with installed(kafka_bootstrap, module_database, redis_url) as there:
        yield there
