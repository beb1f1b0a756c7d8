"""Questions about permissions over HTTP.

The service is asked `POST {"tenantId", "actor", "permission"}` and answers 200 with `{"allowed": true}` or `false`.
"""

from collections.abc import Mapping

import httpx
import orjson

from services.api.decisions import Question

ANSWER_BYTES_MAX = 4096


async def ask(http: httpx.AsyncClient, url: str, headers: Mapping[str, str], question: Question) -> bool:
    """The service's answer; no redirect is followed.

    Raises:
        OSError: there is none, or it is not plain.
    """
    body = {"tenantId": question.tenant_id, "actor": question.actor, "permission": question.permission.value}
    try:
        async with http.stream("POST", url, json=body, headers=headers) as answer:
            if answer.status_code != 200:
                raise OSError(f"the answer's status is {answer.status_code}")
            return _read(await _bounded(answer))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(type(error).__name__) from error


async def _bounded(answer: httpx.Response) -> bytes:
    raw = b""
    async for part in answer.aiter_raw():
        raw += part
        if len(raw) > ANSWER_BYTES_MAX:
            raise OSError("the answer is too long")
    return raw


def _read(raw: bytes) -> bool:
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise OSError("the answer is not JSON") from error
    allowed = told.get("allowed") if isinstance(told, dict) else None
    if not isinstance(allowed, bool):
        raise OSError("the answer is neither yes nor no")
    return allowed
