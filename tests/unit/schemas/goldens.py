"""The golden records: for each message type ever released, one record as it was written then.

A type that has grown optional fields since has a second one, `<type>+<what for>.json`, with these filled.
A golden file is never changed. `python -m tests.unit.schemas.goldens` writes those that are missing, from the
samples; it leaves every file alone that is there.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from schemas.base import Message
from schemas.codec import Headers, headers_of
from schemas.registry import TOPIC_OF_MODEL
from tests.unit.schemas.analytics_samples import analytics_samples
from tests.unit.schemas.audit_samples import audit_samples
from tests.unit.schemas.checkpoint_samples import (
    decided_samples,
    restoring_samples,
    set_aside_samples,
    zone_data_samples,
)
from tests.unit.schemas.function_samples import function_samples
from tests.unit.schemas.output_samples import output_samples
from tests.unit.schemas.policy_samples import policy_samples
from tests.unit.schemas.samples import AT, control_group_samples, samples
from tests.unit.schemas.start_samples import start_samples
from tests.unit.schemas.tenant_samples import (
    disabled_samples,
    grown_samples,
    tenant_changes,
    tenant_commands,
    within_samples,
)

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "events"
SOURCE = "horolog/golden"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True, slots=True)
class Golden:
    """One record: `value` holds the exact bytes. `name` is that of its file."""

    name: str
    type_: str
    topic: str
    headers: Headers
    value: bytes


def goldens() -> list[Golden]:
    """Every golden record, by type."""
    return [_read(path) for path in sorted(FOLDER.glob("*.json"))]


def named_samples() -> dict[str, Message]:
    """The message of each golden record, by the record's name."""
    grown = {f"{message.TYPE}+policies": message for message in policy_samples()}
    grown |= {f"{message.TYPE}+zone-data": message for message in zone_data_samples()}
    grown |= {f"{message.TYPE}+decided": message for message in decided_samples()}
    grown |= {f"{message.TYPE}+set-aside": message for message in set_aside_samples()}
    grown |= {f"{message.TYPE}+restoring": message for message in restoring_samples()}
    grown |= {f"{message.TYPE}+control-groups": message for message in control_group_samples()}
    grown |= {f"{message.TYPE}+functions": message for message in function_samples()}
    grown |= {f"{message.TYPE}+tenants": message for message in grown_samples()}
    grown |= {f"{message.TYPE}+disabled": message for message in disabled_samples()}
    grown |= {f"{message.TYPE}+within": message for message in within_samples()}
    grown |= {f"{message.TYPE}+start": message for message in start_samples()}
    return {message.TYPE: message for message in all_samples()} | grown


def all_samples() -> tuple[Message, ...]:
    """One message of every registered type."""
    more = (*audit_samples(), *analytics_samples(), *output_samples())
    return (*samples(), *tenant_commands(), *tenant_changes(), *more)


def encoded(message: Message) -> tuple[Headers, bytes]:
    """A message as the golden records were written."""
    return headers_of(message, SOURCE, AT, TRACE), message.to_json()


def write_missing(folder: Path) -> list[Path]:
    """Write the golden file of each sample that has none; the paths written."""
    written = []
    for name, message in named_samples().items():
        path = folder / f"{name}.json"
        if path.exists():
            continue
        headers, value = encoded(message)
        record = {
            "topic": TOPIC_OF_MODEL[type(message)].name,
            "headers": {name: text.decode() for name, text in headers},
            "value": json.loads(value),
        }
        path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _read(path: Path) -> Golden:
    record = json.loads(path.read_text(encoding="utf-8"))
    # On the wire JSON has no blanks; in the file it has them, so that a person can read it.
    value = json.dumps(record["value"], separators=(",", ":"), ensure_ascii=False).encode()
    headers = tuple((name, text.encode()) for name, text in record["headers"].items())
    return Golden(path.name.removesuffix(".json"), record["headers"]["ce_type"], record["topic"], headers, value)


if __name__ == "__main__":
    for new in write_missing(FOLDER):
        print(f"written: {new.name}")
