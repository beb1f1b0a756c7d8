"""Every error that a caller can get: its code, its HTTP status, and the two shapes that it is told in.

Guarantee: an error never carries a traceback, a value of the request, or a word about another tenant. "Not yours"
and "not there" are the same answer.
Source: RFC 9110, sections 10.2.3 (Retry-After), 11.6.1 (WWW-Authenticate) and 15.5.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from pydantic import JsonValue

from schemas.http import SERVICE_NAME
from services.api.answers import Answer

STATUS_OF_CODE: Mapping[str, int] = MappingProxyType(
    {
        "INVALID_JSON": 400,
        "INVALID_PARAMETER": 400,
        "INVALID_CURSOR": 400,
        "INVALID_EVENT_ID": 400,
        "UNAUTHORIZED": 401,
        "INVALID_CREDENTIALS": 401,
        "INVALID_REFRESH_TOKEN": 401,
        "FORBIDDEN": 403,
        "PASSWORD_CHANGE_REQUIRED": 403,
        "TENANT_SUSPENDED": 403,
        "OWNER_BARRED": 403,
        "USER_DISABLED": 403,
        "TAG_REQUIRED": 403,
        "COMMAND_NOT_ALLOWED": 403,
        "FUNCTION_NOT_ALLOWED": 403,
        "NOT_FOUND": 404,
        "JOB_NOT_FOUND": 404,
        "EXECUTION_NOT_FOUND": 404,
        "TENANT_NOT_FOUND": 404,
        "COMMAND_NOT_FOUND": 404,
        "USER_NOT_FOUND": 404,
        "SESSION_NOT_FOUND": 404,
        "SECRET_NOT_FOUND": 404,
        "RULE_NOT_FOUND": 404,
        "DELIVERY_NOT_FOUND": 404,
        "METHOD_NOT_ALLOWED": 405,
        "JOB_ALREADY_EXISTS": 409,
        "TENANT_ALREADY_EXISTS": 409,
        "JOB_ALREADY_RUNNING": 409,
        "JOB_NOT_ACTIVE": 409,
        "EXECUTION_ALREADY_ENDED": 409,
        "IDEMPOTENCY_KEY_REUSED": 409,
        "USER_ALREADY_EXISTS": 409,
        "OWN_ACCOUNT": 409,
        "KEY_ERASED": 409,
        "BARRED_LIST_FULL": 409,
        "UPGRADE_IN_PROGRESS": 409,
        "EVENTS_GONE": 410,
        "VERSION_CONFLICT": 412,
        "PAYLOAD_TOO_LARGE": 413,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "INVALID_BODY": 422,
        "INVALID_CRON_EXPRESSION": 422,
        "INVALID_JOB_CONFIG": 422,
        "INVALID_TENANT": 422,
        "LEDGER_WINDOW_TOO_LARGE": 422,
        "QUOTA_EXCEEDED": 429,
        "RATE_LIMITED": 429,
        "TOO_MANY_ATTEMPTS": 429,
        "TOO_MANY_STREAMS": 429,
        "INTERNAL_ERROR": 500,
        "LOCK_ACQUISITION_FAILED": 503,
        "LOG_UNAVAILABLE": 503,
        "DATABASE_UNAVAILABLE": 503,
        "OVERLOADED": 503,
        "AUTH_UNAVAILABLE": 503,
    }
)
REJECTED_OTHERWISE = 409
"""The status of a rejection whose code is not in the table above."""

_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "JOB_NOT_FOUND": "There is no such job.",
        "EXECUTION_NOT_FOUND": "There is no such execution.",
        "TENANT_NOT_FOUND": "There is no such tenant.",
        "COMMAND_NOT_FOUND": "No outcome of such a command is known, or not yet.",
        "NOT_FOUND": "There is nothing at this address.",
        "METHOD_NOT_ALLOWED": "This address does not know that method.",
        "UNAUTHORIZED": "A valid token is required.",
        "FORBIDDEN": "This token does not allow that.",
        "INVALID_CREDENTIALS": "There is no such user with this password.",
        "INVALID_REFRESH_TOKEN": "This refresh token is not valid, or has been used; sign in again.",
        "PASSWORD_CHANGE_REQUIRED": "This password is good for setting another one, at /api/v1/auth/password.",
        "TOO_MANY_ATTEMPTS": "There were too many attempts; Retry-After says for how long none is looked at.",
        "USER_NOT_FOUND": "There is no such user.",
        "SESSION_NOT_FOUND": "The user has no such session, or it has ended.",
        "USER_ALREADY_EXISTS": "This name is taken.",
        "OWN_ACCOUNT": "Nobody changes its own roles or disables itself; another administrator can.",
        "IDEMPOTENCY_KEY_REUSED": "This Idempotency-Key was used for another request.",
        "KEY_ERASED": "The tenant's key was erased: nothing secret can be kept for it any more.",
        "SECRET_NOT_FOUND": "There is no such secret.",
        "RULE_NOT_FOUND": "There is no such rule.",
        "DELIVERY_NOT_FOUND": "There is no such delivery.",
        "UPGRADE_IN_PROGRESS": (
            "The version before this one is still at work, and could not read this; ask again after the upgrade."
        ),
        "INVALID_EVENT_ID": "This is no id of an event that you were told; begin anew without one.",
        "VERSION_CONFLICT": "The job has changed since the version that If-Match names.",
        "DATABASE_UNAVAILABLE": "The read models cannot be reached at present; nothing was read.",
        "LOG_UNAVAILABLE": (
            "The log cannot be reached at present; the request may be repeated with the same Idempotency-Key."
        ),
        "LOCK_ACQUISITION_FAILED": (
            "The request is in the log, but the owner of the tenant's partition has not answered in time. "
            "Repeat it with the same Idempotency-Key, or look its command up, to learn what became of it."
        ),
        "RATE_LIMITED": "Too many requests; come again after the seconds that Retry-After names.",
        "OVERLOADED": "Too many requests are waiting for an answer.",
        "AUTH_UNAVAILABLE": "The auth service cannot be reached, and none of its keys is known.",
    }
)
_RETRY_AFTER_S: Mapping[str, str] = MappingProxyType(
    {
        "QUOTA_EXCEEDED": "5",
        "COMMAND_NOT_FOUND": "1",
        "LOCK_ACQUISITION_FAILED": "2",
        "LOG_UNAVAILABLE": "2",
        "DATABASE_UNAVAILABLE": "2",
        "OVERLOADED": "1",
        "TOO_MANY_STREAMS": "5",
        "AUTH_UNAVAILABLE": "5",
    }
)
_SAID_THE_SAME_TO_ALL = ("JOB_NOT_FOUND", "EXECUTION_NOT_FOUND", "IDEMPOTENCY_KEY_REUSED")


class ApiError(Exception):
    """Ends a request with an error of the table above; `status` and headers follow from the code."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        details: JsonValue = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = STATUS_OF_CODE.get(code, REJECTED_OTHERWISE)
        self.message = message or _MESSAGES.get(code, code)
        self.details = details
        self.headers = {**headers, **({"Retry-After": wait} if (wait := _RETRY_AFTER_S.get(code)) else {})}

    def body(self) -> dict[str, JsonValue]:
        """The error as it stands inside a body."""
        body: dict[str, JsonValue] = {"code": self.code, "message": self.message}
        return body if self.details is None else {**body, "details": self.details}


def rejection(code: str, message: str | None, details: Mapping[str, JsonValue] | None) -> ApiError:
    """A dispatcher's rejection, as an error; what might tell tenants apart is left out."""
    if code in _SAID_THE_SAME_TO_ALL:
        return ApiError(code)
    return ApiError(code, message, dict(details) if details else None)


def is_internal(path: str) -> bool:
    """Whether a path belongs to the internal API, whose errors have a shape of their own."""
    return path == "/internal" or path.startswith("/internal/")


def error_answer(error: ApiError, path: str, at: datetime) -> Answer:
    """The answer that tells a caller of `path` about the error."""
    if is_internal(path):
        internal = {
            "success": False,
            "errorCode": error.code,
            "message": _with_details(error.message, error.details),
            "timestamp": at,
            "serviceName": SERVICE_NAME,
        }
        return Answer(internal, error.status, error.headers)
    return Answer({"error": error.body(), "timestamp": at, "path": path}, error.status, error.headers)


def _with_details(message: str, details: JsonValue) -> str:
    # The internal shape has no room for details, so a list of problems is told in the message.
    if not isinstance(details, Sequence) or isinstance(details, str):
        return message
    told = [f"{item.get('field')}: {item.get('message')}" for item in details if isinstance(item, Mapping)]
    return f"{message} {'; '.join(told)}".strip() if told else message
