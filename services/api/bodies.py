"""Reading request bodies: bounded while they arrive, JSON only, parsed once.

Guarantee: not more than the limit is ever held, whatever Content-Length says; a body that is not JSON never reaches
a handler. What is nested deeper than any model allows is refused before anything walks it recursively.
Source: RFC 9110, sections 15.5.14 (413) and 15.5.16 (415); RFC 8259.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from services.api.context import context_of
from services.api.errors import ApiError

SECRETS_BYTES_MAX = 16 * 1024
"""How large a body may be that anybody sends, known or not."""
DEPTH_MAX = 64
"""How deep the JSON of a body may be nested; a job's own values lie a few levels below the body's."""
_TOO_LARGE_HEADERS = {"Connection": "close"}


class JsonRequest(Request):
    """A request whose JSON is parsed by orjson, once."""

    async def json(self) -> Any:
        """The body's JSON; raises `json.JSONDecodeError`."""
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json

    def refuse_depth(self) -> None:
        """Refuse a body that is nested too deep; one that is no JSON is left for `json` to refuse.

        Raises:
            ApiError: INVALID_JSON
        """
        if self._body.count(b"[") + self._body.count(b"{") <= DEPTH_MAX:
            return
        try:
            self._json = orjson.loads(self._body)
        except orjson.JSONDecodeError:
            return
        if depth_of(self._json) > DEPTH_MAX:
            raise ApiError("INVALID_JSON", f"The body is nested deeper than {DEPTH_MAX} levels.")


class JsonRoute(APIRoute):
    """A route that reads its body, when it takes one, before anything else happens."""

    bytes_max: int | None = None
    """How large the body may be, if less than any other."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request whose body has been read and is known to be JSON."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handle_json(request: Request) -> Response:
            if not takes_body:
                return await handle(request)
            of_all = context_of(request).settings.body_bytes_max
            body = await read_body(request, min(of_all, self.bytes_max or of_all))
            if body and not _is_json(request.headers.get("content-type", "")):
                raise ApiError("UNSUPPORTED_MEDIA_TYPE", "The body must be application/json.")
            known = JsonRequest(request.scope, request.receive)
            known._body = body
            known.refuse_depth()
            return await handle(known)

        return handle_json


class OpenJsonRoute(JsonRoute):
    """One that anybody may send a body to."""

    bytes_max = SECRETS_BYTES_MAX


def depth_of(value: Any) -> int:
    """How many arrays and objects lie within each other, at most."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


async def read_body(request: Request, bytes_max: int) -> bytes:
    """The whole body.

    Raises:
        ApiError: PAYLOAD_TOO_LARGE as soon as more than `bytes_max` bytes are announced or have arrived.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:18]) > bytes_max:
        raise _too_large(bytes_max)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
    return bytes(body)


def _too_large(bytes_max: int) -> ApiError:
    return ApiError("PAYLOAD_TOO_LARGE", f"A body has at most {bytes_max} bytes.", headers=_TOO_LARGE_HEADERS)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
