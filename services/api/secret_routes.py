"""The routes of a tenant's secrets: set, listed by name, deleted; never read.

Guarantee: no answer, log line or error holds a value that was sent here, or a part of it.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from horolog.domain.sensitive import NAME_PATTERN
from horolog.vault.port import KeyErased, SecretNote, SecretStore, VaultError
from schemas.http_secrets import SECRET_COUNT_MAX, SecretBody, SecretList, SecretResponse
from services.api.answers import Answer, nothing
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, SecretKeeper
from services.api.documents import errors
from services.api.errors import ApiError

PREFIX = "/api/v1/secrets"

router = APIRouter(prefix=PREFIX, tags=["secrets"], route_class=JsonRoute)
_LOG = logging.getLogger("horolog.api")
_NAME = re.compile(NAME_PATTERN)
Name = Annotated[str, Path(description="Up to 100 lower-case letters, digits and `.` `_` `-`.")]


@router.put("/{name}", responses=errors(SecretResponse))
async def put_secret(api: Api, caller: SecretKeeper, name: Name, body: SecretBody) -> Response:
    """Set a secret; jobs name it as `secret://name`. It can be replaced and deleted, and never read."""
    if not _NAME.fullmatch(name):
        raise ApiError("INVALID_PARAMETER", "A secret's name has up to 100 lower-case letters, digits and . _ -")
    store = _store(api)
    with told_by_vault():
        known = {note.name for note in await store.secrets(caller.tenant_id)}
        if name not in known and len(known) >= SECRET_COUNT_MAX:
            raise ApiError("QUOTA_EXCEEDED", f"A tenant has at most {SECRET_COUNT_MAX} secrets.")
        note = await store.put_secret(caller.tenant_id, name, body.value, api.ports.clock.now())
    _LOG.info("a secret was set", extra={"tenant_id": caller.tenant_id})
    return Answer(_body(note))


@router.get("", responses=errors(SecretList))
async def list_secrets(api: Api, caller: SecretKeeper) -> Response:
    """The names of the tenant's secrets, when they were set, and how often."""
    with told_by_vault():
        notes = await _store(api).secrets(caller.tenant_id)
    return Answer({"items": [_body(note) for note in notes]})


@router.delete("/{name}", status_code=204, responses=errors(None, 204))
async def delete_secret(api: Api, caller: SecretKeeper, name: Name) -> Response:
    """Forget a secret; attempts of jobs that name it fail from now on."""
    with told_by_vault():
        was_there = bool(_NAME.fullmatch(name)) and await _store(api).delete_secret(caller.tenant_id, name)
    if not was_there:
        raise ApiError("SECRET_NOT_FOUND")
    _LOG.info("a secret was deleted", extra={"tenant_id": caller.tenant_id})
    return nothing(204)


def _store(api: ApiContext) -> SecretStore:
    if api.ports.secrets is None:
        raise ApiError("INVALID_BODY", "No secret can be kept: this service has no HOROLOG_MASTER_KEYS.")
    return api.ports.secrets


@contextmanager
def told_by_vault() -> Iterator[None]:
    """What the vault says, as an error of the API."""
    try:
        yield
    except KeyErased:
        raise ApiError("KEY_ERASED") from None
    except VaultError as error:
        _LOG.error("a secret could not be dealt with: %s", error)
        raise ApiError("DATABASE_UNAVAILABLE", "The vault cannot be reached at present; try again.") from None


def _body(note: SecretNote) -> dict[str, Any]:
    return {
        "name": note.name,
        "version": note.version,
        "createdAt": note.created_at,
        "updatedAt": note.updated_at,
    }
