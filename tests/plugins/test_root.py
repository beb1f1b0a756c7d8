"""Tests of accounts are left out where nobody may give any, and it is told why."""

from __future__ import annotations

from tests.plugins.root import why_not


def test_only_root_is_let_through() -> None:
    assert why_not(0) is None
    assert why_not(1000) == "they take root, and this is user 1000"
