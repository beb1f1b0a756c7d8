"""Dead letters: what becomes of a record that a service can make no use of.

Guarantee: the letter names the record, says why in a sentence, and holds the beginning of its value. Its identity
follows from the record, so that repeats are recognised; who refused it stands in it, since each reader of a record
may refuse it.
"""

import base64
from datetime import datetime

from horolog.log.port import Outgoing, Record
from schemas.base import Message
from schemas.codec import RecordError, headers_of
from schemas.events.owners import RecordRefused
from schemas.topics import DLQ, partition_of

REFUSED_VALUE_BYTES_MAX = 64 * 1024
REASON_LENGTH_MAX = 2000


def dead_letter(record: Record, reason: str, refused_by: str, at: datetime, partition: int) -> Outgoing:
    """The letter about a record, to be written to this partition of the dead-letter topic."""
    value = record.value or b""
    letter = RecordRefused(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason.replace("\x00", " ")[:REASON_LENGTH_MAX],
        refused_by=refused_by,
        at=at,
        value_base64=base64.b64encode(value[:REFUSED_VALUE_BYTES_MAX]).decode(),
        value_bytes=len(value),
    )
    headers = headers_of(letter, refused_by, at)
    return Outgoing(DLQ.name, partition, letter.subject().encode(), letter.to_json(), headers)


def check_home(message: Message, record: Record, partition_count: int) -> None:
    """Refuse a message that lies outside its tenant's partition: its owner alone may act upon it.

    Raises:
        RecordError: naming the partition that it belongs to.
    """
    expected = partition_of(message.tenant_id, partition_count)
    if expected != record.partition:
        raise RecordError(f"tenant {message.tenant_id} belongs to partition {expected}, not {record.partition}")
