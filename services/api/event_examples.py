"""The examples of what streams tell; `examples` has those of all others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

EVENT_EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "EventBody": {
            "type": "execution.failed",
            "at": "2026-03-02T01:30:02Z",
            "jobId": "6f1c1f7e-3b0a-4d8e-9a51-0c2d7be01a10",
            "executionId": "0b8f4c1e-6a53-5f39-9d0c-2f1f5a0d3f11",
            "status": "failed",
            "scheduledFor": "2026-03-02T01:30:00Z",
            "seq": 4,
            "attempt": 1,
            "workerId": "worker-1",
            "startedAt": "2026-03-02T01:30:00.003Z",
            "completedAt": "2026-03-02T01:30:02Z",
            "failure": {"type": "USER_ERROR", "code": "EXIT_STATUS", "message": "the command exited with 1"},
        },
        "OutputBody": {
            "type": "output",
            "at": "2026-03-02T01:30:01Z",
            "executionId": "0b8f4c1e-6a53-5f39-9d0c-2f1f5a0d3f11",
            "attempt": 1,
            "stream": "stdout",
            "offset": 0,
            "text": "42 of 100 rows\n",
            "truncated": False,
        },
    }
)
