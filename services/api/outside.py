"""Questions to outside services over HTTP: one plain answer of bounded size, or none."""

from collections.abc import Mapping
from typing import Any

import httpx


async def answer_of(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    bytes_max: int,
    *,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> bytes:
    """The body of a 200; no redirect is followed, and nothing that is compressed is asked for.

    Raises:
        OSError: there is none, or it is too long. The reason names no address and no header.
    """
    asked = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
    try:
        async with http.stream(method, url, json=body, headers=asked) as answer:
            if answer.status_code != 200:
                raise OSError(f"the answer's status is {answer.status_code}")
            return await _bounded(answer, bytes_max)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(type(error).__name__) from error


async def _bounded(answer: httpx.Response, bytes_max: int) -> bytes:
    raw = b""
    async for part in answer.aiter_raw():
        raw += part
        if len(raw) > bytes_max:
            raise OSError("the answer is too long")
    return raw
