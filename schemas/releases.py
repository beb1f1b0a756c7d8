"""What this release writes that the one before it cannot read.

Unknown fields are refused (`schemas.base`), and a refused record is a dead letter of whoever reads it. So while both
releases are at work, whatever is named here is held back: it is left out where it only tells something, and refused
where it has to be obeyed.

Guarantee: no field of a message is missing here that the release before does not know; `tests/golden/releases` has
those that it does. Types of messages are added by a release before the one that writes them.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from schemas.base import Value
from schemas.commands import BarActor, Command, UnbarActor
from schemas.events.executions import ExecutionEnded, RetryScheduled
from schemas.events.workers import WorkerBeat
from schemas.jobs import CommandConfig, FunctionConfig
from schemas.tenants import Tenant

ADDED: Mapping[type[Value], frozenset[str]] = MappingProxyType(
    {
        Command: frozenset({"within_tags"}),
        BarActor: frozenset({"disabled"}),
        UnbarActor: frozenset({"disabled"}),
        ExecutionEnded: frozenset({"tells_start"}),
        RetryScheduled: frozenset({"tells_start"}),
        WorkerBeat: frozenset({"control_groups", "functions"}),
        FunctionConfig: frozenset({"registered"}),
        CommandConfig: frozenset({"image"}),
        Tenant: frozenset({"own_settings", "disabled_owners"}),
    }
)
"""Model → the fields that this release has added to it, and to those derived from it."""


def unread_before(message: Value) -> tuple[str, ...]:
    """The fields of a message, by their paths in its JSON, that the release before this one would refuse."""
    return tuple(_added_in(message, ""))


def added_to(model: type[Value]) -> frozenset[str]:
    """The fields that this release has added to a model."""
    return frozenset(name for base in model.__mro__ for name in ADDED.get(base, ()))


def _added_in(value: object, path: str) -> Iterator[str]:
    if isinstance(value, tuple):
        for item in value:
            yield from _added_in(item, path)
    if not isinstance(value, Value):
        return
    added = added_to(type(value))
    for name, field in type(value).model_fields.items():
        held, told = getattr(value, name), f"{path}.{field.alias}".lstrip(".")
        # What has its default is left out of the JSON: a release adds optional fields only.
        if name in added and held != field.default:
            yield told
        elif name not in added:
            yield from _added_in(held, told)
