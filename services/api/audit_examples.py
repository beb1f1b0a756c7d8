"""The example of a page of the audit trail; `examples` has those of all others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

AUDIT_EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "AuditPage": {
            "items": [
                {
                    "chain": "calls",
                    "seq": 17,
                    "at": "2026-03-02T01:30:00Z",
                    "actor": "user:ada",
                    "address": "203.0.113.9",
                    "action": "DELETE /api/v1/secrets/{name}",
                    "object": "billing",
                    "outcome": "OK",
                    "commandId": None,
                    "reason": None,
                    "beforeHash": None,
                    "afterHash": None,
                    "valueHash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "previousHash": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
                    "recordHash": "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13",
                }
            ],
            "nextCursor": None,
        }
    }
)
