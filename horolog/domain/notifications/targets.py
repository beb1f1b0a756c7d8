"""A channel's target as the JSON that is encrypted, and back."""

from collections.abc import Mapping

from pydantic import JsonValue

from horolog.domain.notifications.rules import Target


class TargetBroken(Exception):
    """What was kept is no target."""


def target_json(target: Target) -> dict[str, JsonValue]:
    """What is to be encrypted."""
    return {"url": target.url, "secrets": target.secrets, "recipients": list(target.recipients)}


def target_from(value: JsonValue) -> Target:
    """The target that was encrypted.

    Raises:
        TargetBroken: it is none.
    """
    if not isinstance(value, Mapping):
        raise TargetBroken
    url, secrets, recipients = value.get("url"), value.get("secrets"), value.get("recipients")
    if not isinstance(url, str) or not isinstance(secrets, str) or not isinstance(recipients, list):
        raise TargetBroken
    return Target(url, secrets, tuple(map(str, recipients)))
