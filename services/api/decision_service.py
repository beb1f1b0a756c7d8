"""Questions about permissions over HTTP.

The service is asked `POST {"tenantId", "actor", "permission"}` and answers 200 with `{"allowed": true}` or `false`.
"""

from collections.abc import Mapping

import httpx
import orjson

from services.api.decisions import Question
from services.api.outside import answer_of

ANSWER_BYTES_MAX = 4096


async def ask(http: httpx.AsyncClient, url: str, headers: Mapping[str, str], question: Question) -> bool:
    """The service's answer; no redirect is followed.

    Raises:
        OSError: there is none, or it is not plain.
    """
    body = {"tenantId": question.tenant_id, "actor": question.actor, "permission": question.permission.value}
    return _read(await answer_of(http, "POST", url, ANSWER_BYTES_MAX, headers=headers, body=body))


def _read(raw: bytes) -> bool:
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise OSError("the answer is not JSON") from error
    allowed = told.get("allowed") if isinstance(told, dict) else None
    if not isinstance(allowed, bool):
        raise OSError("the answer is neither yes nor no")
    return allowed
