"""What we know of Faust and rely on, or work around. When one of these fails, read `faust_worker` before going on.

The numbers are those of issues of faust-streaming/faust.
"""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.integration.analytics.interpreter import PYTHON
from tests.tidy.tree import ROOT

DEADLINE_S = 60


@pytest.fixture(scope="module")
def claims() -> dict[str, Any]:
    """What Faust says of itself."""
    command = [str(PYTHON), "-m", "tests.integration.analytics.faust_claims"]
    said = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, check=True, timeout=DEADLINE_S)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_it_is_the_version_whose_behaviour_was_measured(claims: dict[str, Any]) -> None:
    assert claims["version"] == "0.15.3"


def test_left_alone_it_reads_what_is_not_committed_and_ours_does_not(claims: dict[str, Any]) -> None:
    assert claims["isolation"] == {"AIOKafkaConsumerThread": "read_uncommitted", "CommittedThread": "read_committed"}
    assert claims["ours is used"]


def test_it_commits_beyond_a_record_that_is_still_in_hand(claims: dict[str, Any]) -> None:
    """#606: why one record is counted after the other, and none acknowledged out of order."""
    assert claims["commits beyond what is in hand"]


def test_its_transactions_leave_out_topics_that_it_does_not_read(claims: dict[str, Any]) -> None:
    """#177: why nothing of it is exactly once."""
    assert claims["transaction of a topic that is not read"] is None


def test_the_table_is_kept_in_the_topic_that_we_create_and_nothing_is_pickled(claims: dict[str, Any]) -> None:
    assert claims["changelog"]
    assert claims["codecs"] == ["json", "json", "raw", "raw"]


def test_it_proves_who_it_is_as_everybody_does_and_tells_no_password(claims: dict[str, Any]) -> None:
    access = claims["access"]
    assert {protocol: found["protocol"] for protocol, found in access.items()} == {name: name for name in access}
    assert all(found["context"] and not found["told"] for found in access.values())
    assert (access["SASL_SSL"]["mechanism"], access["SASL_SSL"]["password"]) == ("SCRAM-SHA-512", True)
