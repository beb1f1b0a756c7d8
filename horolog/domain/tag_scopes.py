"""Grants that hold for jobs with certain tags only: which jobs they reach.

Guarantee: one rule for reading and for deciding. A grant without tags reaches every job of its tenant; one with tags
reaches a job that carries at least one of them, and no job that carries none.
"""

from collections.abc import Collection


def reaches(within: Collection[str] | None, tags: Collection[str]) -> bool:
    """Whether a grant within these tags (None: for all jobs) reaches a job with those."""
    return within is None or not set(within).isdisjoint(tags)
