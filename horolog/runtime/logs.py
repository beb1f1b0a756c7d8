"""Structured logs: one JSON object a line on stderr, with allow-listed fields only."""

import json
import logging
import sys
from datetime import UTC, datetime

FIELDS = (
    "tenant_id",
    "job_id",
    "execution_id",
    "attempt",
    "worker_id",
    "partition",
    "role",
    "topic",
    "offset",
    "request_id",
    "method",
    "route",
    "status",
    "duration_ms",
)


class JsonLine(logging.Formatter):
    """A record as one JSON object; fields that are not in the list are left out, whoever added them."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: getattr(record, name) for name in FIELDS if hasattr(record, name)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure_logs(level: str) -> None:
    """Log to stderr from `level` on; libraries only their warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("horolog", "services", "projections"):
        logging.getLogger(name).setLevel(level.upper())
