"""The bodies of the API of notifications: rules, where their channels lead, and deliveries.

Guarantee: where a channel leads, and by which secret it signs, is taken and never shown again.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Body, Text, Uuid, Value

RULE_COUNT_MAX = 100
"""How many rules a tenant may have."""
_DAY_S = 86_400

Kind = Literal["failed", "recovered", "late", "missed", "disabled", "quota"]
Url = Annotated[Text, Field(pattern=r"^https?://[^\s]+$", max_length=2000, repr=False)]
Secret = Annotated[str, Field(pattern=r"^[!-~]+( [!-~]+)?$", min_length=16, max_length=400)]
"""Visible ASCII; two of them, with a space between, while one is replaced."""
Recipient = Annotated[str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}$")]


class WebhookChannel(Body):
    """A receiver of Standard Webhooks."""

    type: Literal["webhook"]
    url: Url
    secret: Annotated[Secret, Field(repr=False)]


class EmailChannel(Body):
    """Mails by the operator's server."""

    type: Literal["email"]
    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1, max_length=20, strict=False, repr=False)]


class SlackChannel(Body):
    """An incoming webhook of Slack, or of what takes the same."""

    type: Literal["slack"]
    url: Url


class DingtalkChannel(Body):
    """A custom robot of DingTalk; with the secret that signs, if it has one."""

    type: Literal["dingtalk"]
    url: Url
    secret: Annotated[Secret | None, Field(repr=False)] = None


class WecomChannel(Body):
    """A group robot of WeCom."""

    type: Literal["wecom"]
    url: Url


class ServiceChannel(Body):
    """The operator's own notification service, where there is one."""

    type: Literal["service"]


Channel = Annotated[
    WebhookChannel | EmailChannel | SlackChannel | DingtalkChannel | WecomChannel | ServiceChannel,
    Field(discriminator="type"),
]


class RuleFields(Body):
    """What a rule is about, and how often it speaks.

    Without `jobIds` and `tags` it is about all jobs and the tenant itself, else about the jobs of these ids and those
    with one of these tags. Of the facts about one job, the first is told at once, those of the next `groupSeconds`
    together; 0 tells each by itself. At most `throttleCount` messages are made in `throttleSeconds`. A start is late
    after more than `lateSeconds`.
    """

    name: Annotated[Text, Field(min_length=1, max_length=200)]
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=6, strict=False)]
    job_ids: Annotated[tuple[Uuid, ...], Field(max_length=100, strict=False)] = ()
    tags: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=50)], ...], Field(max_length=20, strict=False)
    ] = ()
    group_seconds: Annotated[int, Field(ge=0, le=_DAY_S)] = 60
    throttle_count: Annotated[int, Field(ge=1, le=1000)] = 30
    throttle_seconds: Annotated[int, Field(ge=1, le=_DAY_S)] = 3600
    late_seconds: Annotated[int, Field(ge=0, le=_DAY_S)] = 60
    enabled: bool = True


class RuleBody(RuleFields):
    """A new rule."""

    channel: Channel


class RuleChangeBody(RuleFields):
    """A rule as it is to be from now on; without a `channel` it keeps the one it has."""

    channel: Channel | None = None


class RuleResponse(Value):
    """A rule. Of its channel the type is told, and nothing else."""

    id: Uuid
    name: str
    kinds: list[Kind]
    job_ids: list[Uuid]
    tags: list[str]
    group_seconds: int
    throttle_count: int
    throttle_seconds: int
    late_seconds: int
    enabled: bool
    channel_type: str
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class RulePage(Value):
    """Rules, newest first; `nextCursor` is null on the last page."""

    items: list[RuleResponse]
    next_cursor: str | None


class DeliveryResponse(Value):
    """A delivery: `id` is what its receiver gets as `webhook-id`. The rest is of the last attempt.

    `factCount` facts are told in it, and `droppedCount` before it were not told. `failure` is a code.
    """

    id: Uuid
    rule_id: Uuid
    rule_name: str
    channel_type: str
    job_id: Uuid | None
    kind: str
    fact_count: int
    dropped_count: int
    state: Literal["waiting", "sent", "dead"]
    made_at: datetime
    next_attempt_at: datetime | None
    attempt: int
    attempted_at: datetime | None
    duration_ms: int | None
    status_code: int | None
    failure: str | None
    ended_at: datetime | None


class DeliveryPage(Value):
    """Deliveries, newest first; `nextCursor` is null on the last page."""

    items: list[DeliveryResponse]
    next_cursor: str | None
