"""Whether whoever listens to a stream may still do so: all that was asked when it began, asked again.

Guarantee: every change of a caller, or of what it may read of what the stream can tell, ends the stream.
"""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Header, Request

from projections.views import ReadModelUnavailable
from services.api.context import Allowed, context_of
from services.api.errors import ApiError
from services.api.permissions import Permission
from services.api.ports import Principal
from services.api.streams.hub import Ended
from services.api.streams.stream import Check

LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=200, description="The id that was told last; go on after it.")
]


async def granted_of(request: Request, permissions: Iterable[Permission]) -> frozenset[Permission]:
    """Which of these the caller has."""
    granted = set[Permission]()
    for permission in sorted(set(permissions)):
        try:
            await Allowed(permission)(request)
        except ApiError as error:
            if error.code != "FORBIDDEN":
                raise
        else:
            granted.add(permission)
    return frozenset(granted)


def check_of(
    request: Request, caller: Principal, permissions: Iterable[Permission], granted: frozenset[Permission]
) -> Check:
    """Asks whether the caller still is who it was, and of these permissions has those that it had."""

    async def check() -> None:
        try:
            present = await context_of(request).ports.callers.recognise(request.scope["headers"])
            if present is None:
                raise Ended("UNAUTHORIZED")
            if present != caller or await granted_of(request, permissions) != granted:
                raise Ended("GRANT_CHANGED")
        except ApiError as error:
            raise Ended(error.code) from None
        except ReadModelUnavailable:
            raise Ended("DATABASE_UNAVAILABLE") from None

    return check
