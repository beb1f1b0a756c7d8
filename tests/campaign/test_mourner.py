"""Nothing that works in a campaign's folder outlives the campaign, however it ends; everybody else lives on."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from horolog.adapters.servers.process import Identity, await_end, identify, is_alive, send
from tests.campaign.mourner import PRIVATE_PREFIX
from tests.campaign.services import REPOSITORY

GONE_S_MAX = 30.0
CAMPAIGN = """
import signal, subprocess, sys
from pathlib import Path
from tests.campaign.mourner import mourned
with mourned(Path(sys.argv[1])):
    frozen = subprocess.Popen(["sleep", "infinity"], cwd=sys.argv[1], start_new_session=True)
    frozen.send_signal(signal.SIGSTOP)
    print(frozen.pid, flush=True)
    sys.stdin.read()
"""

Campaign = tuple[subprocess.Popen[str], Identity, Path]


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    """A process with a frozen one in its folder."""
    folder = tmp_path / f"{PRIVATE_PREFIX}1"
    folder.mkdir()
    argv = [sys.executable, "-c", CAMPAIGN, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        frozen = identify(int(process.stdout.readline()))
        assert frozen is not None
        yield process, frozen, folder
        send(frozen, signal.SIGKILL)


def test_frozen_server_does_not_outlive_a_killed_campaign(campaign: Campaign) -> None:
    process, frozen, _ = campaign
    process.send_signal(signal.SIGKILL)
    assert await_end(frozen, GONE_S_MAX)


def test_campaign_that_ends_by_itself_leaves_no_folder_and_nobody_in_it(campaign: Campaign) -> None:
    process, frozen, folder = campaign
    process.communicate()
    assert not is_alive(frozen)
    assert not folder.exists()


def test_process_elsewhere_lives_on(campaign: Campaign, tmp_path: Path) -> None:
    process, frozen, _ = campaign
    with subprocess.Popen(["sleep", "infinity"], cwd=tmp_path) as bystander:
        process.send_signal(signal.SIGKILL)
        is_gone, code = await_end(frozen, GONE_S_MAX), bystander.poll()
        bystander.kill()
    assert is_gone
    assert code is None
