"""What is told where the release before this one cannot be had."""

from __future__ import annotations

from tests.plugins.previous_release import ADVICE, missing


def test_a_commit_that_is_not_there_is_told_with_what_to_do() -> None:
    told = missing("0123456789abcdef0123456789abcdef01234567")
    assert told is not None
    assert "the commit 0123456789ab is not in this repository" in told
    assert told.endswith(ADVICE)
