"""`horolog migrate` in two steps, by an address that is in a file."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from projections.migrate import migrations

DEADLINE_S = 120.0


@pytest.fixture
def address(database: str, tmp_path: Path) -> Path:
    path = tmp_path / "database_url"
    path.write_text(f"{database}\n", encoding="utf-8")
    path.chmod(0o400)
    return path


async def migrated(address: Path, *words: str) -> tuple[int, str]:
    """The exit code, and what was said."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "horolog.cli", "migrate", *words,
        env={**kept, "DATABASE_URL_FILE": str(address)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out or err).decode()


async def test_new_database_is_made_before_the_start_and_nothing_is_left_for_afterwards(address: Path) -> None:
    code, said = await migrated(address, "--pre", "--json")
    applied = set(json.loads(said)["applied"])
    assert code == 0
    assert {migration.name for migration in migrations() if not migration.is_post} <= applied
    assert {name.partition("/")[0] for name in applied if "/" in name} == {"accounts", "notifications", "vault"}
    code, said = await migrated(address, "--post", "--json")
    assert (code, json.loads(said)["applied"]) == (0, [])


async def test_what_goes_afterwards_is_refused_beforehand(address: Path) -> None:
    code, said = await migrated(address, "--post")
    assert code == 1
    assert "goes before the new code: --pre first" in said
