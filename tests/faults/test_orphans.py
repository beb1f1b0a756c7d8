"""What a command has started ends with its executor, also when that is killed with news of the spawner still unread.

The kernel then answers the spawner with a connection reset, instead of the end of the stream.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from horolog.adapters.servers.process import await_end, identify, send

TOLD_S_MAX = 60.0
GONE_S_MAX = 60.0
DAEMON = """
import os, sys
if os.fork(): os.wait()
os.setsid()
if os.fork(): os._exit(0)
with open(sys.argv[1], "w") as pipe: pipe.write(str(os.getpid()))
os.execvp("sleep", ["sleep", "infinity"])
"""


@pytest.fixture
def channel() -> Iterator[socket.socket]:
    """The executor's end of a spawner's channel."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-m", "horolog.adapters.spawner", str(theirs.fileno())]
    with subprocess.Popen(argv, pass_fds=[theirs.fileno()], start_new_session=True), ours:
        theirs.close()
        yield ours


def start(channel: socket.socket, number: int, *argv: str) -> None:
    request = {"argv": argv, "environment": {"PATH": os.environ["PATH"]}, "directory": None, "limits": {}}
    with open(os.memfd_create("program"), "wb") as file, open(os.devnull, "wb") as null:
        file.write(json.dumps(request).encode())
        file.flush()
        message = json.dumps({"start": number}).encode()
        socket.send_fds(channel, [message], [file.fileno(), null.fileno(), null.fileno()])


def test_daemon_ends_with_an_executor_that_left_news_unread(channel: socket.socket, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    os.mkfifo(told)
    start(channel, 1, sys.executable, "-c", DAEMON, str(told))
    daemon = identify(int(told.read_text()))
    assert daemon is not None
    start(channel, 2, "true")
    has_news, _, _ = select.select([channel], [], [], TOLD_S_MAX)
    assert has_news
    channel.close()
    is_gone = await_end(daemon, GONE_S_MAX)
    send(daemon, signal.SIGKILL)
    assert is_gone
