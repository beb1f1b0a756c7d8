"""The parts of the REST API's bodies that speak of a job's policies.

Guarantee: as in `schemas.http`, whose conventions hold here too. A policy is always shown whole, defaults included.
"""

from schemas.base import Value
from schemas.jobs import Delivery, Misfire, Overlap


class JobPolicies(Value):
    """How a job treats instants that were missed, runs that overlap, and workers that are lost."""

    misfire: Misfire
    overlap: Overlap
    delivery: Delivery
