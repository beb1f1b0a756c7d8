"""Bodies of rules into rules and back; what is secret of them goes one way."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from horolog.domain.notifications.deliveries import Delivery, DeliveryState
from horolog.domain.notifications.rules import FACTUAL, ChannelType, KeptRule, Kind, Pace, Rule, Scope, Target
from schemas.http_notifications import (
    Channel,
    DingtalkChannel,
    EmailChannel,
    RuleFields,
    SlackChannel,
    WebhookChannel,
    WecomChannel,
)


def rule_from(fields: RuleFields, named: Mapping[str, str], channel: ChannelType, since: datetime) -> Rule:
    """The rule; `named` are its own id and its tenant's."""
    return Rule(
        id=named["id"],
        tenant_id=named["tenant_id"],
        name=fields.name,
        kinds=frozenset(map(Kind, fields.kinds)),
        scope=Scope(fields.job_ids, fields.tags),
        pace=Pace(fields.group_seconds, fields.throttle_count, fields.throttle_seconds),
        late_s=fields.late_seconds,
        enabled=fields.enabled,
        channel=channel,
        since=since,
    )


def target_of(channel: Channel) -> Target:
    """Where the channel leads."""
    match channel:
        case WebhookChannel():
            return Target(channel.url, channel.secret)
        case DingtalkChannel():
            return Target(channel.url, channel.secret or "")
        case SlackChannel() | WecomChannel():
            return Target(channel.url)
        case EmailChannel():
            return Target(recipients=channel.recipients)
        case _:
            return Target()


def rule_body(kept: KeptRule) -> dict[str, Any]:
    """The rule as its tenant is shown it."""
    rule = kept.rule
    return {
        "id": rule.id,
        "name": rule.name,
        "kinds": [kind.value for kind in FACTUAL if kind in rule.kinds],
        "jobIds": list(rule.scope.job_ids),
        "tags": list(rule.scope.tags),
        "groupSeconds": rule.pace.group_s,
        "throttleCount": rule.pace.throttle_count,
        "throttleSeconds": rule.pace.throttle_s,
        "lateSeconds": rule.late_s,
        "enabled": rule.enabled,
        "channelType": rule.channel.value,
        "version": kept.version,
        "createdBy": kept.created_by,
        "createdAt": kept.created_at,
        "updatedAt": kept.updated_at,
    }


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    """The delivery as its tenant is shown it."""
    return {
        "id": delivery.id,
        "ruleId": delivery.rule_id,
        "ruleName": delivery.rule_name,
        "channelType": delivery.channel,
        "jobId": delivery.job_id,
        "kind": delivery.kind,
        "factCount": delivery.fact_count,
        "droppedCount": delivery.dropped_count,
        "state": delivery.state,
        "madeAt": delivery.made_at,
        "nextAttemptAt": delivery.due_at if delivery.state == DeliveryState.WAITING else None,
        "attempt": delivery.attempt,
        "attemptedAt": delivery.attempted_at,
        "durationMs": delivery.duration_ms,
        "statusCode": delivery.status_code,
        "failure": delivery.failure,
        "endedAt": delivery.ended_at,
    }
