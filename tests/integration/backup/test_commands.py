"""`horolog backup`, `restore` and `verify backup`: what they make, and what they refuse with a sentence."""

import base64
from pathlib import Path

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from projections.connections import connect
from tests.integration.backup.commands import KEY, horolog
from tests.unit.projections.facts import PARTITIONS, admitted, changed, job, outgoing

COUNT = {"HOROLOG_PARTITIONS": str(PARTITIONS)}
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A directory with a log that nobody has open."""
    home = tmp_path / "home"
    log = await opened(home)
    await log.append([outgoing(changed(job())), outgoing(admitted())])
    await log.close()
    return home


async def opened(home: Path) -> EmbeddedLog:
    log = EmbeddedLog.open(home / "log.db", SystemClock(), PARTITIONS)
    await log.create_topics()
    return log


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_backup_is_private_whole_and_restored(home: Path, tmp_path: Path) -> None:
    file, target = tmp_path / "backup", tmp_path / "target"
    code, told = await horolog("backup", "--to", str(file), "--dir", str(home))
    assert (code, told["records"]["jobs.v1"], told["records"]["executions.v1"]) == (0, 1, 1)
    assert file.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["backup", "home"]
    code, told = await horolog("verify", "backup", str(file))
    assert (code, told["partitionCount"], told["records"]["jobs.v1"]) == (0, PARTITIONS, 1)
    code, told = await horolog("restore", "--from", str(file), "--dir", str(target), **COUNT)
    assert (code, told["records"]["executions.v1"]) == (0, 1)
    code, told = await horolog("restore", "--from", str(file), "--dir", str(target), **COUNT)
    assert (code, told["error"]["code"]) == (1, "RESTORE_REFUSED")


async def test_what_cannot_be_backed_up_leaves_no_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    words = ("backup", "--to", str(file), "--dir", str(home))
    log = await opened(home)
    code, told = await horolog(*words)
    assert (code, told["error"]["code"]) == (3, "LOG_UNUSABLE")
    assert "in use by another process" in told["error"]["message"]
    await log.close()
    code, told = await horolog("backup", "--to", str(file), "--dir", str(tmp_path / "none"))
    assert (code, told["error"]["code"]) == (1, "NO_LOG")
    assert names_in(tmp_path) == ["home"]
    file.write_text("an older one")
    code, told = await horolog(*words)
    assert (code, told["error"]["code"], file.read_text()) == (1, "BACKUP_REFUSED", "an older one")


async def test_wrong_keys_and_changed_files_are_refused_before_a_log_is_made(home: Path, tmp_path: Path) -> None:
    file, target = tmp_path / "backup", tmp_path / "target"
    words = ("restore", "--from", str(file), "--dir", str(target))
    assert (await horolog("backup", "--to", str(file), "--dir", str(home)))[0] == 0
    another = base64.b64encode(bytes(range(32))).decode()
    code, told = await horolog(*words, **COUNT, HOROLOG_BACKUP_KEY=another)
    assert (code, told["error"]["code"]) == (1, "BACKUP_NOT_AUTHENTIC")
    code, told = await horolog(*words, **COUNT, HOROLOG_BACKUP_KEY=KEY[:20])
    assert (code, told["error"]["code"]) == (1, "NO_BACKUP_KEY")
    code, told = await horolog(*words, HOROLOG_PARTITIONS="5")
    assert (code, told["error"]["code"]) == (1, "RESTORE_REFUSED")
    assert f"HOROLOG_PARTITIONS={PARTITIONS}" in told["error"]["advice"]
    file.write_bytes(file.read_bytes()[:-1])
    for attempt in (words, ("verify", "backup", str(file))):
        code, told = await horolog(*attempt, **COUNT)
        assert (code, told["error"]["code"]) == (1, "BACKUP_NOT_AUTHENTIC")
    assert (await horolog("restore", "--from", str(tmp_path / "none")))[0] == 2
    assert not target.exists()


async def test_read_models_of_another_log_are_not_kept_beside_a_restored_one(
    home: Path, tmp_path: Path, migrated_database: str
) -> None:
    file, target, used = tmp_path / "backup", tmp_path / "target", tmp_path / "used"
    words = ("restore", "--from", str(file))
    place = {"DATABASE_URL": migrated_database, "HOROLOG_HOME": str(target), **COUNT}
    assert (await horolog("backup", "--to", str(file), "--dir", str(home)))[0] == 0
    connection = await connect(migrated_database, "test")
    await connection.execute("insert into projection_offsets (topic, partition, next) values ('jobs.v1', 0, 5)")
    code, told = await horolog(*words, **place)
    assert (code, told["error"]["code"]) == (1, "RESTORE_REFUSED")
    await connection.execute("update projection_offsets set next = 0")
    await connection.close()
    (used / "postgres").mkdir(parents=True)
    code, told = await horolog(*words, "--dir", str(used), **COUNT)
    assert (code, told["error"]["code"]) == (1, "RESTORE_REFUSED")
    assert not (target / "log.db").exists()
    assert not (used / "log.db").exists()
    assert (await horolog(*words, **place))[0] == 0
