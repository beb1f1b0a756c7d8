"""The AsyncAPI 3.0 document of the topics, and a JSON Schema for each message type.

Both are computed from `schemas.registry` and `schemas.topics`, so they cannot differ from what the services read
and write. The output is the same for the same sources: no dates, no machine, keys in a fixed order.
Source: AsyncAPI specification 3.0.0; Kafka bindings 0.5.0; JSON Schema 2020-12.
"""

import inspect
from typing import Any

from pydantic.json_schema import models_json_schema

from schemas.base import Message
from schemas.registry import MESSAGES_OF_TOPIC, MODEL_OF_TYPE
from schemas.topics import (
    ANALYTICS,
    AUDIT,
    CHECKPOINTS,
    COMMANDS,
    CONTROL,
    DLQ,
    EXECUTIONS,
    FIRES,
    JOB_TABLE,
    JOBS,
    OUTCOMES,
    OUTPUT,
    PARTITION_COUNT_DEFAULT,
    RESULTS,
    TASKS,
    TENANT_CHANGES,
    TENANTS,
    TOPICS,
    WORKERS,
    Topic,
)

CONTRACT_VERSION = "1.0.0"
"""Of the topics and types, which carry versions of their own; it is not the version of the package."""
PREFIX_DEFAULT = "horolog."
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ABOUT = {
    COMMANDS: ("What callers ask for; the owner of the tenant's partition decides.", "tenant id"),
    OUTCOMES: ("What became of each command: accepted, or rejected with a code.", "command id"),
    JOBS: ("Every change of a job, with the job before and after it: the audit trail.", "job id"),
    JOB_TABLE: ("The latest whole job; a tombstone when it is deleted.", "job id"),
    TENANTS: ("The latest whole tenant: its settings, its quotas, its state.", "tenant id"),
    TENANT_CHANGES: ("Every change of a tenant, with the tenant before and after it: the audit trail.", "tenant id"),
    AUDIT: ("Calls of the API that change something, and refusals: the audit trail.", "tenant id"),
    FIRES: ("The instants that schedules named: due, or missed as a range.", "job id"),
    TASKS: ("Attempts handed to one worker; the partition is that worker's inbox.", "execution id"),
    RESULTS: ("What workers report of their attempts.", "tenant id"),
    EXECUTIONS: ("Every transition of every execution: the ledger.", "execution id"),
    WORKERS: ("Signs of life of the workers, once a second.", "worker id"),
    CONTROL: ("Attempts that a worker is to end; the partition is that worker's inbox.", "execution id"),
    CHECKPOINTS: ("Where the owner of this partition stands, for each role.", "role"),
    OUTPUT: ("What runs print while they go on; the report of the end is what counts.", "tenant id"),
    ANALYTICS: ("Figures of each tenant for each minute, derived from the ledger; the newest counts.", "tenant id"),
    DLQ: (
        "Records that could not be understood, and why.",
        "topic, partition and offset of the record, as commands.v1/3/17",
    ),
}
_WRITTEN_FROM_OUTSIDE = frozenset({COMMANDS})
_INFO = (
    "Records are CloudEvents 1.0 in Kafka binary mode: the attributes are headers, the value is the message as JSON. "
    "Every topic has the same number of partitions; all but tasks.v1 and control.v1 are partitioned by tenant: "
    "murmur2(tenant id) modulo that number, as the default partitioner of the Java client computes it for a record "
    "keyed by tenant id. Where the key is another id, the writer names the partition."
)


def asyncapi_document() -> dict[str, Any]:
    """The AsyncAPI document."""
    references, components = models_json_schema(
        [(model, "validation") for model in MODEL_OF_TYPE.values()],
        ref_template="#/components/schemas/{model}",
    )
    payloads = {model: references[model, "validation"] for model in MODEL_OF_TYPE.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Horolog events", "version": CONTRACT_VERSION, "description": _INFO},
        "defaultContentType": "application/json",
        "servers": {"log": _server()},
        "channels": {channel_name(topic): _channel(topic) for topic in TOPICS},
        "operations": {
            f"{_action(topic)}.{channel_name(topic)}": _operation(topic) for topic in TOPICS if _models(topic)
        },
        "components": {
            "messages": {model.__name__: _message(model, payloads[model]) for model in payloads},
            "messageTraits": {"cloudEvent": {"headers": {"$ref": "#/components/schemas/CloudEventHeaders"}}},
            "schemas": {"CloudEventHeaders": _headers_schema(), **components.get("$defs", {})},
        },
    }


def message_schema(model: type[Message]) -> dict[str, Any]:
    """The JSON Schema of one message type's value."""
    return {"$schema": DIALECT, "$id": f"urn:{model.TYPE.replace('.', ':')}", **model.model_json_schema()}


def channel_name(topic: Topic) -> str:
    """The name of a topic inside the document, such as `jobTableV1` for `job-table.v1`."""
    first, *rest = topic.name.replace(".", "-").split("-")
    return first + "".join(word.title() for word in rest)


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The Kafka cluster that carries the log.",
        "variables": {"bootstrap": {"default": "localhost:9092", "description": "KAFKA_BOOTSTRAP_SERVERS"}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    about, key = _ABOUT[topic]
    configuration: dict[str, Any] = {"cleanup.policy": ["compact" if topic.compacted else "delete"]}
    if not topic.compacted:
        configuration["retention.ms"] = topic.retention_ms
    return {
        "address": PREFIX_DEFAULT + topic.name,
        "title": topic.name,
        "description": f"{about} Key: {key}.",
        "servers": [{"$ref": "#/servers/log"}],
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in _models(topic)},
        "bindings": {
            "kafka": {
                "topic": PREFIX_DEFAULT + topic.name,
                "partitions": PARTITION_COUNT_DEFAULT,
                "topicConfiguration": configuration,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(topic: Topic) -> dict[str, Any]:
    name = channel_name(topic)
    return {
        "action": _action(topic),
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": _ABOUT[topic][0],
        "messages": [{"$ref": f"#/channels/{name}/messages/{model.__name__}"} for model in _models(topic)],
    }


def _action(topic: Topic) -> str:
    return "receive" if topic in _WRITTEN_FROM_OUTSIDE else "send"


def _message(model: type[Message], payload: dict[str, Any]) -> dict[str, Any]:
    topic = next(topic for topic, models in MESSAGES_OF_TOPIC.items() if model in models)
    return {
        "name": model.TYPE,
        "title": model.__name__,
        "summary": inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": _ABOUT[topic][1]}, "bindingVersion": "0.5.0"}},
    }


def _headers_schema() -> dict[str, Any]:
    texts = {
        "ce_specversion": "Always 1.0.",
        "ce_id": "Unique among messages of this type; derived, so that a repeat is recognised.",
        "ce_type": "The message's name in this document.",
        "ce_source": "The service that wrote the record.",
        "ce_time": "When the record was written, in RFC 3339 form.",
        "ce_subject": "What the message is about.",
        "content-type": "Always application/json.",
        "traceparent": "W3C trace context, when there is one.",
        "horolog-seal": "On tasks, revocations and commands: that their writer has a key (docs/wire.md).",
    }
    return {
        "type": "object",
        "description": "CloudEvents 1.0, Kafka protocol binding, binary content mode.",
        "properties": {name: {"type": "string", "description": text} for name, text in texts.items()},
        "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type"],
    }


def _models(topic: Topic) -> tuple[type[Message], ...]:
    return MESSAGES_OF_TOPIC.get(topic, ())
