"""What was asked of the API and how that ended: topic `audit.v1`, the part of the audit trail that no change tells.

Guarantee: a record holds ids, codes and hashes only; nothing of a body and no header's value is ever in it.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Actor, Message, Text, UtcTime, Uuid

Word = Annotated[Text, Field(max_length=200)]


class AuditRecorded(Message):
    """One call. A call that became commands is told once for each of them, when it is sent, with `SENT` as its code.

    `object_id` is what the call was about, by the ids of its address; empty where it named none, or nothing that can
    be an id. `address` is what `services.api.client_addresses` makes of the caller's. `request_hash` is the SHA-256 of
    the command as it stands in the log. With `dropped_count` the record stands for so many that could not be told.
    """

    TYPE: ClassVar[str] = "io.horolog.audit.recorded.v1"
    call_id: Uuid
    at: UtcTime
    actor: Actor
    address: Word
    method: Word
    route: Word
    object_id: Word = ""
    code: Word
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    command_id: Uuid | None = None
    request_hash: Annotated[str, Field(max_length=64)] = ""
    dropped_count: Annotated[int, Field(ge=0)] = 0

    def message_id(self) -> str:
        return f"{self.call_id}/{self.command_id}" if self.command_id else self.call_id
