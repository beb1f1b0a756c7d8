"""One installation for all tests of the documents."""

import re
from collections.abc import Iterator

import pytest

from tests.documents.installation import Installation, installed
from tests.plugins.servers import database_on


@pytest.fixture(scope="package")
def installation(kafka_bootstrap: str, postgres_dsn: str, redis_url: str) -> Iterator[Installation]:
    """The processes of `docs/monitoring.md`, on real servers."""
    with database_on(postgres_dsn) as dsn, installed(kafka_bootstrap, dsn, redis_url) as there:
        yield there


@pytest.fixture(scope="package")
def administrator(installation: Installation) -> str:
    """The password of `admin`, who has signed in for the first time, and out again."""
    shell, password = installation.terminal, "a long sentence that nobody knows"
    shell.run("until grep -qs 'user admin ' .*.out; do sleep 0.1; done")
    said = "".join(path.read_text(encoding="utf-8") for path in shell.folder.glob(".*.out"))
    [once] = re.findall(r"user admin .*password: (\S+)", said)
    lines = ".venv/bin/horolog login admin\n.venv/bin/horolog logout"
    installation.administer(lines, typed=f"{once}\n{password}\n{password}\n")
    return password
