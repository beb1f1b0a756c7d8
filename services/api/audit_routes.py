"""The route of the audit trail: the caller's own tenant's, for auditors and administrators."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from pydantic import Field
from starlette.responses import Response

from projections.views import AuditFilter, Cursor
from schemas.base import Text
from schemas.http_audit import AuditPage
from services.api.answers import Answer
from services.api.audit_reader import csv_text, cursor_id, entry_body
from services.api.bodies import JsonRoute
from services.api.context import Api, AuditReader
from services.api.cursors import decode_cursor, encode_cursor
from services.api.documents import errors
from services.api.errors import ApiError
from services.api.queries import End, PageQuery, Start

router = APIRouter(prefix="/api/v1", tags=["audit"], route_class=JsonRoute)
_CSV = "text/csv"
_SEQ_MAX = 2**63 - 1
Word = Annotated[Text, Field(min_length=1, max_length=200)]
_ANSWERS = errors(AuditPage)
_ANSWERS[200] = {**_ANSWERS[200], "content": {_CSV: {"schema": {"type": "string"}}}}


class AuditQuery(PageQuery):
    """Which entries: all conditions must hold. `format=csv` does what `Accept: text/csv` does."""

    start: Start = None
    end: End = None
    actor: Word | None = None
    action: Word | None = None
    object: Word | None = None
    chain: Literal["jobs", "tenants", "calls"] | None = None
    format: Literal["json", "csv"] | None = None


@router.get("/audit", responses=_ANSWERS)
async def list_audit_entries(
    api: Api,
    caller: AuditReader,
    query: Annotated[AuditQuery, Query()],
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """What was changed, by whom and from where, and what was refused; newest first. Also as CSV."""
    where = AuditFilter(query.start, query.end, query.actor, query.action, query.object, query.chain)
    found = await api.ports.audit.entries(caller.tenant_id, where, _after(query.cursor), query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    cursor = encode_cursor(Cursor(page[-1].entry.at, cursor_id(page[-1]))) if more else None
    items = [entry_body(link) for link in page]
    if query.format == "csv" or (query.format is None and _prefers_csv(accept or "")):
        return _csv_answer(items, cursor)
    return Answer({"items": items, "nextCursor": cursor})


def _after(word: str | None) -> Cursor | None:
    cursor = decode_cursor(word)
    if cursor is None:
        return None
    chain, _, seq = cursor.id.partition(":")
    if not chain or not seq.isascii() or not seq.isdecimal() or int(seq) > _SEQ_MAX:
        raise ApiError("INVALID_CURSOR", "The cursor is not one that an earlier page gave.")
    return cursor


def _prefers_csv(accept: str) -> bool:
    return any(kind.partition(";")[0].strip().lower() == _CSV for kind in accept.split(","))


def _csv_answer(items: list[dict[str, Any]], cursor: str | None) -> Response:
    following = {} if cursor is None else {"Horolog-Next-Cursor": cursor}
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="audit.csv"', **following}
    return Response(csv_text(items), 200, headers, media_type=_CSV)
