"""The routes of notifications: rules, a trial of each, and what became of deliveries.

Guarantee: no answer, log line or error holds where a channel leads, or its secret. A rule and a delivery are their
tenant's alone; the tenant is the caller's.
"""

import logging
import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from horolog.domain.notifications.deliveries import DeliveryFilter, DeliveryState
from horolog.domain.notifications.messages import trial_document_of
from horolog.domain.notifications.rules import ChannelType, KeptRule
from horolog.domain.notifications.targets import target_json
from horolog.vault.places import rule_place
from horolog.vault.port import KeyErased, VaultError
from projections.views import Cursor
from schemas.base import UUID_PATTERN, Uuid
from schemas.http_notifications import (
    RULE_COUNT_MAX,
    Channel,
    DeliveryPage,
    DeliveryResponse,
    RuleBody,
    RuleChangeBody,
    RulePage,
    RuleResponse,
)
from services.api.answers import Answer, nothing
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, NotificationReader, NotificationWriter
from services.api.cursors import decode_cursor, encode_cursor
from services.api.documents import errors
from services.api.errors import ApiError
from services.api.notification_bodies import delivery_body, rule_body, rule_from, target_of
from services.api.ports import Principal
from services.api.queries import End, PageQuery, Start
from services.api.requests import identity_of, known_uuid

PREFIX = "/api/v1/notifications"
router = APIRouter(prefix=PREFIX, tags=["notifications"], route_class=JsonRoute)
_LOG = logging.getLogger("horolog.api")


class DeliveryQuery(PageQuery):
    """Which deliveries: all conditions must hold; the time range is over when they were made."""

    rule_id: Uuid | None = None
    job_id: Uuid | None = None
    state: DeliveryState | None = None
    start: Start = None
    end: End = None


@router.post("/rules", status_code=201, responses=errors(RuleResponse, 201))
async def create_rule(request: Request, api: Api, caller: NotificationWriter, body: RuleBody) -> Response:
    """Create a rule. It is about what happens from now on. Where its channel leads is never shown again.

    A repeat with the same Idempotency-Key is answered with the rule that the first one made.
    """
    id_, now = identity_of(request, api, caller, None)["command_id"], api.ports.clock.now()
    named = {"id": id_, "tenant_id": caller.tenant_id}
    rule = rule_from(body, named, ChannelType(body.channel.type), now)
    sealed = await _sealed(api, caller, id_, body.channel)
    kept = KeptRule(rule, sealed, 1, caller.actor, now, now)
    if not await api.ports.notifications.add_rule(kept, RULE_COUNT_MAX):
        known = await api.ports.notifications.rule(caller.tenant_id, id_)
        if known is None:
            raise ApiError("QUOTA_EXCEEDED", f"A tenant has at most {RULE_COUNT_MAX} rules.")
        kept = known
    return Answer(rule_body(kept), 201, {"Location": f"{PREFIX}/rules/{id_}"})


@router.get("/rules", responses=errors(RulePage))
async def list_rules(api: Api, caller: NotificationReader, query: Annotated[PageQuery, Query()]) -> Response:
    """The tenant's rules, newest first."""
    found = await api.ports.notifications.rules(caller.tenant_id, _after(query.cursor), query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    cursor = encode_cursor(Cursor(page[-1].created_at, page[-1].rule.id)) if more else None
    return Answer({"items": [rule_body(kept) for kept in page], "nextCursor": cursor})


@router.get("/rules/{rule_id}", responses=errors(RuleResponse))
async def get_rule(api: Api, caller: NotificationReader, rule_id: str) -> Response:
    """One rule."""
    return Answer(rule_body(await _rule(api, caller, rule_id)))


@router.put("/rules/{rule_id}", responses=errors(RuleResponse))
async def replace_rule(api: Api, caller: NotificationWriter, rule_id: str, body: RuleChangeBody) -> Response:
    """Replace a rule. Without a channel it keeps its own; enabled anew, it is about what happens from now on."""
    kept, now = await _rule(api, caller, rule_id), api.ports.clock.now()
    named = {"id": kept.rule.id, "tenant_id": caller.tenant_id}
    channel, sealed = kept.rule.channel, kept.sealed_target
    if body.channel is not None:
        channel = ChannelType(body.channel.type)
        sealed = await _sealed(api, caller, kept.rule.id, body.channel)
    since = kept.rule.since if kept.rule.enabled else now
    rule = rule_from(body, named, channel, since)
    changed = replace(kept, rule=rule, sealed_target=sealed, version=kept.version + 1, updated_at=now)
    if not await api.ports.notifications.replace_rule(changed):
        raise ApiError("VERSION_CONFLICT", "The rule was changed by somebody else meanwhile.")
    return Answer(rule_body(changed))


@router.delete("/rules/{rule_id}", status_code=204, responses=errors(None, 204))
async def delete_rule(api: Api, caller: NotificationWriter, rule_id: str) -> Response:
    """Delete a rule. What waits to be sent by it is given up; what was delivered stays known."""
    known = known_uuid(rule_id, "RULE_NOT_FOUND")
    if not await api.ports.notifications.delete_rule(caller.tenant_id, known):
        raise ApiError("RULE_NOT_FOUND")
    return nothing(204)


@router.post("/rules/{rule_id}/test", status_code=201, responses=errors(DeliveryResponse, 201))
async def try_rule(api: Api, caller: NotificationWriter, rule_id: str) -> Response:
    """Have a message of the kind `test` sent as the rule says, at once; its delivery tells how that went."""
    kept = await _rule(api, caller, rule_id)
    id_, now = api.ports.ids.new(), api.ports.clock.now()
    await api.ports.notifications.add_trial(kept, id_, trial_document_of(kept.rule, now), now)
    return await _delivery(api, caller, id_, 201)


@router.get("/deliveries", responses=errors(DeliveryPage))
async def list_deliveries(api: Api, caller: NotificationReader, query: Annotated[DeliveryQuery, Query()]) -> Response:
    """What was made of the tenant's rules, and how sending it went; newest first, of the last 30 days."""
    where = DeliveryFilter(query.rule_id, query.job_id, query.state, query.start, query.end)
    found = await api.ports.notifications.deliveries(caller.tenant_id, where, _after(query.cursor), query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    cursor = encode_cursor(Cursor(page[-1].made_at, page[-1].id)) if more else None
    return Answer({"items": [delivery_body(delivery) for delivery in page], "nextCursor": cursor})


@router.post("/deliveries/{delivery_id}/redeliver", responses=errors(DeliveryResponse))
async def redeliver(api: Api, caller: NotificationWriter, delivery_id: str) -> Response:
    """Send a delivery once more, with the same id and document, whatever became of it."""
    known = known_uuid(delivery_id, "DELIVERY_NOT_FOUND")
    if not await api.ports.notifications.redeliver(caller.tenant_id, known, api.ports.clock.now()):
        raise ApiError("DELIVERY_NOT_FOUND")
    return await _delivery(api, caller, known, 200)


async def _rule(api: ApiContext, caller: Principal, rule_id: str) -> KeptRule:
    known = known_uuid(rule_id, "RULE_NOT_FOUND")
    kept = await api.ports.notifications.rule(caller.tenant_id, known)
    if kept is None:
        raise ApiError("RULE_NOT_FOUND")
    return kept


async def _delivery(api: ApiContext, caller: Principal, delivery_id: str, status: int) -> Answer:
    delivery = await api.ports.notifications.delivery(caller.tenant_id, delivery_id)
    if delivery is None:
        raise ApiError("DELIVERY_NOT_FOUND")
    return Answer(delivery_body(delivery), status)


async def _sealed(api: ApiContext, caller: Principal, rule_id: str, channel: Channel) -> str:
    """Where the channel leads, encrypted under the tenant's key."""
    if api.ports.keys is None:
        raise ApiError("INVALID_BODY", "No channel can be kept: this service has no HOROLOG_MASTER_KEYS.")
    try:
        key = await api.ports.keys.sealing_key(caller.tenant_id)
    except KeyErased:
        raise ApiError("KEY_ERASED") from None
    except VaultError as error:
        _LOG.error("where a rule's channel leads cannot be encrypted: %s", error)
        raise ApiError("DATABASE_UNAVAILABLE", "The vault cannot be reached at present; try again.") from None
    return key.seal(target_json(target_of(channel)), rule_place(caller.tenant_id, rule_id))


def _after(word: str | None) -> Cursor | None:
    cursor = decode_cursor(word)
    if cursor is not None and not re.fullmatch(UUID_PATTERN, cursor.id):
        raise ApiError("INVALID_CURSOR", "The cursor is not one that an earlier page gave.")
    return cursor
