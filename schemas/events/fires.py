"""Fires: the instants that schedules named. Topic `fires.v1`, written by the ticker."""

from operator import not_
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Message, UtcTime, Uuid


class FireDue(Message):
    """`scheduled_for` is the nominal instant. The record may precede it by the ticker's lookahead.

    `catch_up`: nobody was there at the instant, and the job's misfire policy has it fire after all.
    """

    TYPE: ClassVar[str] = "io.horolog.fire.due.v1"
    job_id: Uuid
    fire_id: Uuid
    scheduled_for: UtcTime
    schedule_version: int
    catch_up: Annotated[bool, Field(exclude_if=not_)] = False
    emitted_at: UtcTime

    def subject(self) -> str:
        return self.job_id

    def message_id(self) -> str:
        return self.fire_id


class FireMissed(Message):
    """`count` instants, the first at `first`, the last at `last`, that will not be fired: nobody was there."""

    TYPE: ClassVar[str] = "io.horolog.fire.missed.v1"
    job_id: Uuid
    miss_id: Uuid
    first: UtcTime
    last: UtcTime
    count: int
    schedule_version: int
    emitted_at: UtcTime

    def subject(self) -> str:
        return self.job_id

    def message_id(self) -> str:
        return self.miss_id
