"""What the product itself says after all rounds: `horolog verify ledger` over their whole time, `verify projections`.

Both are asked as an operator would, at the running system; a finding fails the campaign as a lost instant does.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime

from tests.campaign.rounds import Result
from tests.campaign.services import REPOSITORY
from tests.campaign.system import System

PROOF_S_MAX = 600
LINES_TOLD = 12


def proofs(system: System, begin: datetime) -> Iterator[Result]:
    """One result for each proof; `begin` is when the first round began."""
    yield _proof(system, "ledger", "--from", begin.isoformat())
    yield _proof(system, "projections")


def _proof(system: System, *arguments: str) -> Result:
    argv = [sys.executable, "-m", "horolog.cli", "verify", *arguments]
    done = subprocess.run(
        argv,
        cwd=REPOSITORY,
        env=dict(system.services.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=PROOF_S_MAX,
    )
    lines = (done.stdout + done.stderr).strip().splitlines()
    problems = [] if done.returncode == 0 else lines[-LINES_TOLD:]
    verdict = "passed" if done.returncode == 0 else "failed"
    return Result(f"verify-{arguments[0]}", system.nodes, verdict, " ".join(lines)[:300], problems=problems)
