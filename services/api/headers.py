"""Reading a request's raw headers, of which each may come several times."""

from services.api.ports import Headers


def single(headers: Headers, name: bytes) -> str:
    """The value of a field that came exactly once, else an empty text."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def bearer_token(headers: Headers) -> str:
    """The token of `Authorization: Bearer`, or an empty text (RFC 6750, section 2.1)."""
    scheme, _, token = single(headers, b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
