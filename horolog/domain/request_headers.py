"""The header fields that a job may not set in its requests.

They would change how a request is framed or where it goes (RFC 9110, section 7.6; RFC 9112), claim another sender
than this one (RFC 7239), carry what opens this scheduler itself, or replace what tells the target which run it is.
"""

_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "te", "trailer", "connection", "keep-alive", "upgrade", "expect"}
)
_SENDER = frozenset({"forwarded", "via", "x-real-ip"})
_OURS = frozenset({"idempotency-key", "x-service-token", "x-tenant-id"})
_PREFIXES = ("proxy-", "x-forwarded-", "horolog-", "x-scheduler-")


def is_forbidden_header(name: str) -> bool:
    """Whether a job may not set the field; its name in any case of letters."""
    lower = name.strip().lower()
    return lower in _FRAMING | _SENDER | _OURS or lower.startswith(_PREFIXES)
