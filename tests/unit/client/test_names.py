"""What `horolog.client` offers is there, and is loaded only when it is used."""

import subprocess
import sys

import pytest

from horolog import client


def test_every_name_that_is_offered_is_there() -> None:
    assert [name for name in client.__all__ if getattr(client, name) is None] == []


def test_a_name_that_is_not_offered_is_told() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        client.no_such_name  # noqa: B018 - that it fails is what is wanted


@pytest.mark.parametrize(
    ("program", "spared"),
    [
        ("from horolog.client import Client", ("aiokafka", "schemas.registry")),
        ("import horolog.cli.client", ("schemas.http", "horolog.client.operations")),
        ("from horolog.worker import Worker", ("httpx", "pydantic", "asyncio")),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(program: str, spared: tuple[str, ...]) -> None:
    code = f"import sys; {program}; print(*[name for name in {spared!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == []
