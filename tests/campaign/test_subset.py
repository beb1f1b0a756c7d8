"""The most telling faults of the campaign that need neither root nor a third Kafka node, once each.

Bounded twice: on a slow machine the last kinds are left out, and a run that hangs is killed, with all that it started.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign.services import REPOSITORY

KINDS = ("usurping-ticker", "kill-owners", "kill-executors", "rebalance-storm")
JOB_COUNT = 16
MINUTES_MAX = 3.5
RUN_S_MAX = 480
PLAYED_COUNT_MIN = 2
PROOFS = {"verify-ledger", "verify-projections"}

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(RUN_S_MAX + 30)]


def test_subset_of_the_campaign_loses_and_doubles_nothing(tmp_path: Path) -> None:
    told = tmp_path / "rounds"
    options = (f"--minutes={MINUTES_MAX}", f"--jobs={JOB_COUNT}", f"--kinds={','.join(KINDS)}", f"--json={told}")
    argv = [sys.executable, "-m", "tests.campaign", "--times=1", *options]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=RUN_S_MAX)
    rounds = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
    assert {result["verdict"] for result in rounds} == {"passed"}, done.stdout + done.stderr
    played = {result["kind"] for result in rounds}
    assert played > PROOFS, done.stdout + done.stderr
    assert len(played - PROOFS) >= PLAYED_COUNT_MIN, done.stdout + done.stderr
