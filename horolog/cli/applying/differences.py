"""What is different between two definitions, field by field, with secrets never shown.

Guarantee: no difference is none: then both definitions mean the same to the API. Numbers are compared by value, as
JSON has one kind of them; a truth value is never a number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from horolog.domain.sensitive import MASK, Slot, is_secret, replaced, slots

ABSENT = object()
"""Stands for a value that is not there."""
HIDDEN = "(a secret value)"
"""What is shown in the place of a secret that a file holds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that changes; `before` and `after` are as they may be shown, `ABSENT` where there is none."""

    field: str
    before: Any
    after: Any

    def to_dict(self) -> dict[str, Any]:
        """The difference for machines; what is absent is left out."""
        sides = {"before": self.before, "after": self.after}
        return {"field": self.field} | {name: value for name, value in sides.items() if value is not ABSENT}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The fields in which two bodies differ, in their order; mappings are compared field by field."""
    return tuple(_between("", before, after))


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def shown_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as it may be shown: secret values that it holds are replaced by a word."""
    config = body.get("config")
    return {**body, "config": _hidden(config)} if isinstance(config, Mapping) else dict(body)


def literal_secrets(body: Mapping[str, Any]) -> tuple[Slot, ...]:
    """The places of secret values that the body itself holds, neither masked nor as references."""
    config = body["config"]
    return tuple(slot for slot, value in slots(config) if is_secret(config, slot, value) and value != MASK)


def _hidden(config: Mapping[str, Any]) -> dict[str, Any]:
    return replaced(config, lambda slot, value: HIDDEN if is_secret(config, slot, value) and value != MASK else value)


def _between(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*after, *(name for name in before if name not in after)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from _between(inner, before.get(name, ABSENT), after.get(name, ABSENT))
    elif not same(before, after):
        yield Difference(path, before, after)
