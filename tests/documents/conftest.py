"""One installation for all tests of the documents."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.documents.installation import TENANT, Installation, installed
from tests.plugins.servers import database_on


@pytest.fixture(scope="package")
def installation(kafka_bootstrap: str, postgres_dsn: str, redis_url: str) -> Iterator[Installation]:
    """The processes of `docs/monitoring.md`, on real servers."""
    with database_on(postgres_dsn) as dsn, installed(kafka_bootstrap, dsn, redis_url) as there:
        yield there


@pytest.fixture(scope="package")
def tenants_own(installation: Installation, administrator: str) -> str:
    """The password of `dev`, the tenant's own administrator, who has signed in before."""
    password = "another sentence that nobody knows"
    made = f"horolog user create dev --role admin --tenant {TENANT} --json > dev.json"
    installation.administer(f"horolog login admin\n{made}\nhorolog logout", typed=f"{administrator}\n")
    once = json.loads((installation.terminal.folder / "dev.json").read_text(encoding="utf-8"))["oneTimePassword"]
    installation.administer("horolog login dev\nhorolog logout", typed=f"{once}\n{password}\n{password}\n")
    return password


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
