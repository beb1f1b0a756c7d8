"""`horolog verify` and `horolog rebuild` as commands: on a database and a log's file, also while its owner holds it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from projections.applier import Applier
from projections.connections import connect
from projections.letters import DeadLetters
from projections.writer import Writer
from tests.integration.projections.world import PLACES
from tests.unit.projections.facts import PARTITIONS, admitted, changed, job, outgoing, uuid_of

DEADLINE_S = 90.0
WINDOW = ("--from", "2026-03-01T12:00:00Z", "--to", "2026-03-01T14:30:00Z")


async def horolog(*words: str, **environment: str) -> tuple[int, Any]:
    """The exit code of a command, and its JSON."""
    keeps = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "horolog.cli", *words, "--json",
        env={**keeps, **environment}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads((out or err).decode().splitlines()[-1])


@pytest.fixture
async def home(tmp_path: Path, migrated_database: str) -> AsyncIterator[Path]:
    """A log's file in the hands of its owner, and the read models of what is in it: a job, one of its two rows."""
    log = EmbeddedLog.open(tmp_path / "log.db", SystemClock(), PARTITIONS)
    await log.create_topics()
    hourly = admitted(3600).model_copy(update={"job_id": uuid_of(1)})
    await log.append([outgoing(changed(job())), outgoing(hourly)])
    connection = await connect(migrated_database, "test")
    writer = Writer(connection)
    letters = DeadLetters(log, SystemClock())
    positions = await writer.positions(await log.starts(PLACES))
    applier = Applier(writer, letters, SystemClock(), PARTITIONS, positions)
    ends = await log.ends(PLACES)
    for place in PLACES:
        async for records in log.scan(place, positions[place], ends[place]):
            await applier.apply(records)
    await connection.close()
    yield tmp_path
    await log.close()


@pytest.mark.timeout(180)
async def test_read_models_are_compared_repaired_and_compared_again(home: Path, migrated_database: str) -> None:
    place = {"DATABASE_URL": migrated_database, "HOROLOG_HOME": str(home)}
    code, report = await horolog("verify", "projections", **place)
    assert (code, report["clean"]) == (0, True)
    connection = await connect(migrated_database, "test")
    await connection.execute("update job_executions set progress = 50")
    await connection.close()
    code, report = await horolog("verify", "projections", **place)
    (found,) = [one for table in report["tables"] for one in table["differences"]]
    assert (code, found["column"], found["live"], found["rebuilt"]) == (1, "progress", 50, 0)
    code, answer = await horolog("rebuild", **place)
    assert (code, answer["offsetCount"]) == (0, 2)
    assert (await horolog("verify", "projections", **place))[0] == 0


@pytest.mark.timeout(180)
async def test_ledger_is_proved_straight_from_the_database(home: Path, migrated_database: str) -> None:
    code, report = await horolog("verify", "ledger", *WINDOW, DATABASE_URL=migrated_database)
    assert code == 1
    assert [(one["kind"], one["first"]) for one in report["findings"]] == [
        ("unended", "2026-03-01T13:00:00Z"),
        ("missing", "2026-03-01T14:00:00Z"),
    ]
    code, report = await horolog("verify", "ledger", *WINDOW, "--tenant", uuid_of(9), DATABASE_URL=migrated_database)
    assert (code, report["jobCount"]) == (0, 0)
    assert (await horolog("verify", "ledger", "--job", "seven", DATABASE_URL=migrated_database))[0] == 2


@pytest.mark.timeout(180)
async def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    assert (await horolog("verify", "ledger", DATABASE_URL=nowhere))[0] == 3
    assert (await horolog("verify", "projections", HOROLOG_HOME=str(tmp_path)))[0] == 2
    code, answer = await horolog("rebuild", DATABASE_URL=nowhere, HOROLOG_HOME=str(tmp_path))
    assert (code, answer["error"]["code"]) == (1, "NO_LOG")


@pytest.mark.timeout(180)
async def test_data_of_a_stopped_dev_is_proved_by_its_directory(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "horolog.cli", "dev", "--dir", folder, "--for", "6s", "--port", "0",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        assert await process.wait() == 0
    code, report = await horolog("verify", "projections", "--dir", folder)
    assert (code, report["clean"]) == (0, True)
    assert sum(table["rowCount"] for table in report["tables"]) > 0


async def test_audit_trail_is_proved_and_its_checkpoints_find_what_rows_and_log_agree_on(
    home: Path, migrated_database: str, tmp_path: Path
) -> None:
    setting = {"DATABASE_URL": migrated_database, "HOROLOG_HOME": str(home)}
    key, public, kept = tmp_path / "key.pem", tmp_path / "public.pem", tmp_path / "kept.jsonl"
    private = Ed25519PrivateKey.generate()
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    code, found = await horolog("verify", "audit", **setting)
    assert (code, found["clean"], [chain["seq"] for chain in found["chains"]]) == (0, True, [1])
    signing = [sys.executable, "-m", "horolog.cli", "audit", "checkpoint", "--to", str(kept)]
    process = await asyncio.create_subprocess_exec(
        *signing, env={**os.environ, **setting, "HOROLOG_AUDIT_KEY_FILE": str(key)}
    )
    assert await process.wait() == 0
    by_checkpoint = ("--checkpoints", str(kept), "--public-key", str(public))
    assert (await horolog("verify", "audit", *by_checkpoint, **setting))[0] == 0
    kept.write_text(kept.read_text().replace('"seq":1', '"seq":2'))
    assert (await horolog("verify", "audit", *by_checkpoint, **setting))[0] == 1
    connection = await connect(migrated_database, "test")
    await connection.execute("update audit_chain set actor = 'user:nobody'")
    await connection.close()
    code, found = await horolog("verify", "audit", **setting)
    assert (code, [(one["seq"], one["fault"]) for one in found["findings"]]) == (1, [(1, "edited")])
