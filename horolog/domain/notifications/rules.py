"""What a tenant wants to hear of, about which jobs, how often, and through which channel.

Guarantee: a rule as it is kept and shown holds nothing secret. Where its channel leads, and by which secret it signs,
is in `Target`, which is encrypted under the tenant's key wherever it lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What can be told of. `test` is asked for by hand and belongs to no fact."""

    FAILED = "failed"
    RECOVERED = "recovered"
    LATE = "late"
    MISSED = "missed"
    DISABLED = "disabled"
    QUOTA = "quota"
    TEST = "test"


FACTUAL = tuple(kind for kind in Kind if kind is not Kind.TEST)


class ChannelType(StrEnum):
    """How a message travels."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    SLACK = "slack"
    DINGTALK = "dingtalk"
    WECOM = "wecom"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Scope:
    """The jobs of these ids, and those with one of these tags; with neither, all jobs, and the tenant itself."""

    job_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def holds(self, job_id: str | None, tags: Sequence[str]) -> bool:
        """Whether a job is among them; None stands for the tenant itself."""
        if not self.job_ids and not self.tags:
            return True
        return job_id is not None and (job_id in self.job_ids or not set(self.tags).isdisjoint(tags))


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a rule speaks.

    Of the facts about one job, the first is told at once and those of the next `group_s` seconds together, at their
    end; 0 tells each by itself. At most `throttle_count` messages are made in `throttle_s` seconds; the facts of the
    others are counted, and the next message tells how many they were.
    """

    group_s: int = 60
    throttle_count: int = 30
    throttle_s: int = 3600


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Facts from before `since` are none of its business: it was made, or enabled, later.

    A start is late for it when it comes more than `late_s` seconds after its instant.
    """

    id: str
    tenant_id: str
    name: str
    kinds: frozenset[Kind]
    scope: Scope
    pace: Pace
    late_s: int
    enabled: bool
    channel: ChannelType
    since: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """Where a channel leads. `secrets` sign: several, with spaces between them, while one is replaced."""

    url: str = field(default="", repr=False)
    secrets: str = field(default="", repr=False)
    recipients: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule with what only its keeping needs: its encrypted target, its version and its dates."""

    rule: Rule
    sealed_target: str = field(repr=False)
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
