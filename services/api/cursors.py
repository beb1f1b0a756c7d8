"""Page cursors: where a list goes on, as one opaque word.

Guarantee: whatever a caller sends as a cursor is either one that `encode_cursor` could have made, or refused.
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from projections.views import Cursor
from services.api.errors import ApiError

_ID = re.compile(r"[!-~]{1,100}")


def encode_cursor(cursor: Cursor) -> str:
    """The cursor as a word that needs no escaping in a URL."""
    text = f"{cursor.at.astimezone(UTC).isoformat()}|{cursor.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(word: str | None) -> Cursor | None:
    """The cursor of a word; None for none.

    Raises:
        ApiError: INVALID_CURSOR
    """
    if word is None:
        return None
    try:
        text = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True).decode("ascii")
        at, _, id_ = text.partition("|")
        cursor = Cursor(datetime.fromisoformat(at), id_)
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise _refused() from error
    if cursor.at.utcoffset() != timedelta(0) or not _ID.fullmatch(cursor.id) or encode_cursor(cursor) != word:
        raise _refused()
    return cursor


def _refused() -> ApiError:
    return ApiError("INVALID_CURSOR", "The cursor is not one that an earlier page gave.")
