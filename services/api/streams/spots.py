"""Where a stream is: a position in each of its topics, and the id that stands for it.

Guarantee: an id leads exactly one tenant of a log with this number of partitions back to where it was. One of another
tenant, of another form or with a letter wrong is told from a good one, and all of these alike.
"""

import base64
import hashlib
import struct
from typing import Final

from schemas.topics import AUDIT, EXECUTIONS, JOBS, TENANT_CHANGES

TOPICS: Final = (JOBS, EXECUTIONS, AUDIT, TENANT_CHANGES)
"""What streams tell of. Their order and number are part of the ids: with others, `_VERSION` is another one."""
INDEX_OF_TOPIC: Final = {topic.name: index for index, topic in enumerate(TOPICS)}
Spot = tuple[int, ...]
"""The offset of the next record of each of `TOPICS`, in the tenant's partition."""

_VERSION = 1
_FORM = struct.Struct(f">BH8s{len(TOPICS)}q")
_CHECK_BYTES = 5
LENGTH = (_FORM.size + _CHECK_BYTES) * 4 // 3
"""How long each id is."""


class ForeignId(ValueError):
    """This is none of the ids that the tenant was given."""


def id_of(spot: Spot, tenant_id: str, partition_count: int) -> str:
    """The id of the spot."""
    body = _FORM.pack(_VERSION, partition_count, _mark(tenant_id), *spot)
    return base64.urlsafe_b64encode(body + _check(body)).decode()


def spot_of(id_: str, tenant_id: str, partition_count: int) -> Spot:
    """The spot of an id.

    Raises:
        ForeignId: the tenant was given no such id.
    """
    try:
        whole = base64.b64decode(id_, altchars=b"-_", validate=True)
    except ValueError:
        raise ForeignId from None
    body = whole[:-_CHECK_BYTES]
    if len(id_) != LENGTH or len(body) != _FORM.size or whole != body + _check(body):
        raise ForeignId
    version, count, mark, *positions = _FORM.unpack(body)
    if (version, count, mark) != (_VERSION, partition_count, _mark(tenant_id)) or min(positions) < 0:
        raise ForeignId
    return tuple(positions)


def later(one: Spot, other: Spot) -> Spot:
    """The later of the two, topic by topic."""
    return tuple(map(max, one, other))


def moved(spot: Spot, index: int, position: int) -> Spot:
    """The spot with another position in one topic."""
    return (*spot[:index], position, *spot[index + 1 :])


def is_before(one: Spot, other: Spot) -> bool:
    """Whether the one lacks something of any topic that the other has."""
    return any(mine < theirs for mine, theirs in zip(one, other, strict=True))


def _mark(tenant_id: str) -> bytes:
    return hashlib.sha256(tenant_id.encode()).digest()[:8]


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_BYTES]
