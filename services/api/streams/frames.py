"""Server-sent events as bytes.

Guarantee: an event is one block that ends with an empty line; nothing that is told can begin a line of its own.
Source: WHATWG HTML, section 9.2 (server-sent events).
"""

import orjson

RETRY_MS = 2000
"""How long a client waits before it comes back, unless it has a mind of its own."""
END = "end"
"""The type of a stream's last event."""


def opening(id_: str) -> bytes:
    """What a stream begins with. The id alone makes no event, but is what a client comes back with."""
    return b"retry: %d\nid: %s\n\n" % (RETRY_MS, id_.encode())


def event(id_: str, type_: str, data: bytes) -> bytes:
    """One event; `data` is JSON on one line."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (id_.encode(), type_.encode(), data)


def beat(id_: str | None) -> bytes:
    """A sign of life: a comment, and the id where it is news."""
    return b": beat\n\n" if id_ is None else b": beat\nid: %s\n\n" % id_.encode()


def end(code: str, message: str) -> bytes:
    """The last event: why there is no other. It has no id, so a client goes on after the one before it."""
    return b"event: %s\ndata: %s\n\n" % (END.encode(), orjson.dumps({"code": code, "message": message}))
