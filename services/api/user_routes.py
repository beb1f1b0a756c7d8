"""The routes that manage users of the built-in issuer.

Guarantee: an administrator of a tenant sees and changes that tenant's users only: others are told as unknown.
"""

import re
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from projections.views import Cursor
from schemas.base import UUID_PATTERN, Uuid
from schemas.events.workers import SYSTEM_TENANT
from schemas.http_accounts import (
    NewUserResponse,
    OneTimePasswordResponse,
    SessionsResponse,
    UserChangeBody,
    UserCreateBody,
    UserPage,
    UserResponse,
)
from services.api.accounts.administration import Administrator
from services.api.accounts.ports import UserChange
from services.api.accounts.users import User
from services.api.answers import Answer, nothing
from services.api.bodies import JsonRoute
from services.api.calls import Call
from services.api.context import Accounts, Api, ApiContext, UserManager
from services.api.cursors import decode_cursor, encode_cursor
from services.api.documents import errors
from services.api.errors import ApiError
from services.api.permissions import Permission
from services.api.ports import Principal
from services.api.queries import PageQuery
from services.api.requests import known_uuid, origin_of

PREFIX = "/api/v1/users"
router = APIRouter(prefix=PREFIX, tags=["accounts"], route_class=JsonRoute)


class UserQuery(PageQuery):
    """Which users; the administrator of a tenant sees that tenant's in any case."""

    tenant_id: Uuid | None = None


@router.get("", responses=errors(UserPage))
async def list_users(accounts: Accounts, caller: UserManager, query: Annotated[UserQuery, Query()]) -> Response:
    """Users, newest first."""
    cursor = decode_cursor(query.cursor)
    if cursor is not None and not _is_uuid(cursor.id):
        raise ApiError("INVALID_CURSOR", "The cursor is not one that an earlier page gave.")
    after = None if cursor is None else (cursor.at, cursor.id)
    rows = await accounts.administration.list(_administrator(caller), query.tenant_id, after, query.limit + 1)
    page = rows[: query.limit]
    more = len(rows) > query.limit
    following = encode_cursor(Cursor(page[-1].created_at, page[-1].id)) if more else None
    return Answer({"items": [_user_body(user) for user in page], "nextCursor": following})


@router.post("", status_code=201, responses=errors(NewUserResponse, 201))
async def create_user(accounts: Accounts, caller: UserManager, body: UserCreateBody) -> Response:
    """Create a user. Its one-time password is in this answer and nowhere else."""
    tenant_id = body.tenant_id or caller.tenant_id
    by = _administrator(caller)
    user, secret = await accounts.administration.create(by, body.name, body.roles, tenant_id, body.tags)
    answer = {"user": _user_body(user), "oneTimePassword": secret}
    return Answer(answer, 201, {"Location": f"{PREFIX}/{user.id}"})


@router.get("/{user_id}", responses=errors(UserResponse))
async def get_user(accounts: Accounts, caller: UserManager, user_id: str) -> Response:
    """One user."""
    return Answer(_user_body(await accounts.administration.find(_administrator(caller), _known(user_id))))


@router.patch("/{user_id}", responses=errors(UserResponse))
async def change_user(
    request: Request, api: Api, accounts: Accounts, caller: UserManager, user_id: str, body: UserChangeBody
) -> Response:
    """Change a user's roles or their tags, disable or enable it. What it has signed in to is void within 10 seconds.

    Nothing that a disabled user's jobs owe begins any more once this is answered, until the user is enabled again.
    """
    by, wish = _administrator(caller), UserChange(body.roles, body.disabled, body.tags)
    changed = await accounts.administration.change(by, _known(user_id), wish)
    await _tell_log(request, api, caller, changed)
    return Answer(_user_body(changed))


@router.post("/{user_id}/password", responses=errors(OneTimePasswordResponse))
async def reset_password(accounts: Accounts, caller: UserManager, user_id: str) -> Response:
    """Give a user a new one-time password, told in this answer; the old one and all sessions are void."""
    secret = await accounts.administration.reset_password(_administrator(caller), _known(user_id))
    return Answer({"oneTimePassword": secret})


@router.post("/{user_id}/revoke", status_code=204, responses=errors(None, 204))
async def revoke_user(accounts: Accounts, caller: UserManager, user_id: str) -> Response:
    """End all sessions of a user; its tokens are void within 10 seconds."""
    await accounts.administration.revoke(_administrator(caller), _known(user_id))
    return nothing(204)


@router.get("/{user_id}/sessions", responses=errors(SessionsResponse))
async def list_sessions(accounts: Accounts, caller: UserManager, user_id: str) -> Response:
    """The sessions of a user that are good."""
    found = await accounts.administration.sessions(_administrator(caller), _known(user_id))
    return Answer({"items": [{to_camel(k): v for k, v in asdict(one).items()} for one in found]})


@router.delete("/{user_id}/sessions/{session_id}", status_code=204, responses=errors(None, 204))
async def end_session(accounts: Accounts, caller: UserManager, user_id: str, session_id: str) -> Response:
    """End one session of a user."""
    by, session = _administrator(caller), known_uuid(session_id, "SESSION_NOT_FOUND")
    await accounts.administration.end_session(by, _known(user_id), session)
    return nothing(204)


async def _tell_log(request: Request, api: ApiContext, caller: Principal, user: User) -> None:
    """Have the dispatcher know whether the user's jobs may run, if that is still to be told."""
    assert api.bars is not None, "there are users"
    # A call of its own: that the user was changed is told of this one, whatever becomes of the command.
    origin = replace(origin_of(request), call=Call())
    try:
        await api.bars.tell(user.id, caller.actor, origin)
    except ApiError as error:
        deed = "disabled, but its jobs may still run" if user.disabled else "enabled, but its jobs do not run yet"
        text = f"The user is {deed}: {error.message.rstrip('.')}. This is tried again by itself; repeating it is safe."
        raise ApiError(error.code, text) from error


def _administrator(caller: Principal) -> Administrator:
    of_platform = Permission.TENANTS_MANAGE in caller.permissions
    return Administrator(caller.user_id, None if of_platform else caller.tenant_id)


def _known(user_id: str) -> str:
    return known_uuid(user_id, "USER_NOT_FOUND")


def _is_uuid(text: str) -> bool:
    return re.fullmatch(UUID_PATTERN, text) is not None


def _user_body(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "tenantId": None if user.tenant_id == SYSTEM_TENANT else user.tenant_id,
        "name": user.name,
        "roles": user.roles,
        "tags": user.tags,
        "disabled": user.disabled,
        "mustChangePassword": user.must_change_password,
        "createdAt": user.created_at,
        "lastLoginAt": user.last_login_at,
    }
