"""The most telling faults of the campaign that need neither root nor a third Kafka node, once each."""

import subprocess
import sys

import pytest

from tests.campaign.services import REPOSITORY

KINDS = ("usurping-ticker", "rebalance-storm", "kill-executors", "kill-only-broker")
MINUTES_MAX = 3
RUN_S_MAX = 330

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(RUN_S_MAX + 30)]


def test_subset_of_the_campaign_loses_and_doubles_nothing() -> None:
    argv = [
        sys.executable,
        "-m",
        "tests.campaign",
        "--times=1",
        f"--minutes={MINUTES_MAX}",
        f"--kinds={','.join(KINDS)}",
    ]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=RUN_S_MAX)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": passed after ") == len(KINDS)
