"""What runs print while they go on: topic `output.v1`, written by executors, told by streams of the API.

They are no facts. The record of what a run has put out is the report of its end; whoever loses these loses nothing.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Message, Text, UtcTime, Uuid


class OutputStream(StrEnum):
    """Where a run prints."""

    STDOUT = "stdout"
    STDERR = "stderr"


class OutputAppended(Message):
    """What an attempt has printed to one of its streams since the last time, without the job's secrets.

    `offset` counts the bytes (as UTF-8) of the stream before `text`. Where it is beyond the end of what was told
    before, what lies between was not told. `truncated`: nothing is kept of what the attempt prints after this.
    """

    TYPE: ClassVar[str] = "io.horolog.output.appended.v1"
    execution_id: Uuid
    job_id: Uuid
    attempt: Annotated[int, Field(ge=1, le=2**31 - 1)]
    worker_id: Annotated[str, Field(max_length=100)]
    at: UtcTime
    stream: OutputStream
    offset: Annotated[int, Field(ge=0, le=2**53 - 1)]
    text: Text
    truncated: bool = False

    def subject(self) -> str:
        return self.execution_id

    def message_id(self) -> str:
        end = self.offset + len(self.text.encode())
        return f"{self.execution_id}/{self.attempt}/{self.stream}/{self.offset}-{end}"
