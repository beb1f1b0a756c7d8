"""Where a stream is: a position in each of its topics, and the id that stands for it.

Guarantee: an id leads exactly one tenant of a log with this number of partitions back to where it was. One of another
tenant, of another form or with a letter wrong is told from a good one, and all of these alike.
"""

import base64
import hashlib
import struct
from typing import Any, Final

from schemas.topics import AUDIT, EXECUTIONS, JOBS, TENANT_CHANGES

TOPICS: Final = (JOBS, EXECUTIONS, AUDIT, TENANT_CHANGES)
"""What streams of events tell of. Order and number are part of the ids: with others, `_VERSION` is another one."""
Spot = tuple[int, ...]
"""The offset of the next record of each topic that is told of, in the tenant's partition; of events, of `TOPICS`."""

_VERSION = 1
_FORM = struct.Struct(f">BH8s{len(TOPICS)}q")
CHECK_BYTES = 5
LENGTH = (_FORM.size + CHECK_BYTES) * 4 // 3
"""How long each id is."""


class ForeignId(ValueError):
    """This is none of the ids that the tenant was given."""


def id_of(spot: Spot, tenant_id: str, partition_count: int) -> str:
    """The id of the spot."""
    return sealed(_FORM.pack(_VERSION, partition_count, mark_of(tenant_id), *spot))


def spot_of(id_: str, tenant_id: str, partition_count: int) -> Spot:
    """The spot of an id.

    Raises:
        ForeignId: the tenant was given no such id.
    """
    version, count, mark, *positions = unsealed(id_, _FORM)
    if (version, count, mark) != (_VERSION, partition_count, mark_of(tenant_id)) or min(positions) < 0:
        raise ForeignId
    return tuple(positions)


def sealed(body: bytes) -> str:
    """The id that holds this; its length is to be a multiple of three with `CHECK_BYTES`."""
    return base64.urlsafe_b64encode(body + _check(body)).decode()


def unsealed(id_: str, form: struct.Struct) -> tuple[Any, ...]:
    """What an id of this form holds.

    Raises:
        ForeignId: it is none.
    """
    try:
        whole = base64.b64decode(id_, altchars=b"-_", validate=True)
    except ValueError:
        raise ForeignId from None
    body = whole[:-CHECK_BYTES]
    # Of several texts that mean the same bytes one is an id.
    if len(body) != form.size or id_ != sealed(body):
        raise ForeignId
    return form.unpack(body)


def later(one: Spot, other: Spot) -> Spot:
    """The later of the two, topic by topic."""
    return tuple(map(max, one, other))


def moved(spot: Spot, index: int, position: int) -> Spot:
    """The spot with another position in one topic."""
    return (*spot[:index], position, *spot[index + 1 :])


def is_before(one: Spot, other: Spot) -> bool:
    """Whether the one lacks something of any topic that the other has."""
    return any(mine < theirs for mine, theirs in zip(one, other, strict=True))


def mark_of(name: str) -> bytes:
    """By which ids of one tenant (or of one execution) are told from those of another."""
    return hashlib.sha256(name.encode()).digest()[:8]


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:CHECK_BYTES]
