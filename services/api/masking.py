"""What is shown of a job's secrets: that they are there, and nothing else.

Guarantee: no answer holds a secret value, encrypted or not, whoever asks: in its place stands the mask, or a word that
says that it was erased. What is masked does not depend on the caller's role.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from horolog.domain.sensitive import ERASED, MASK, Config, Slot, is_secret, replaced, slots, without_credentials
from schemas.sealed import is_sealed

_CONFIG = "config"


def has_sealed(definition: Config) -> bool:
    """Whether the definition holds encrypted values."""
    config = definition.get(_CONFIG)
    return isinstance(config, Mapping) and any(is_sealed(value) for _, value in slots(config))


def masked_definition(definition: Config, is_erased: bool = False) -> dict[str, JsonValue]:
    """The definition as it may be shown; `is_erased` says that the key of what is encrypted is gone."""
    config = definition.get(_CONFIG)
    return {**definition, _CONFIG: masked_config(config, is_erased)} if isinstance(config, dict) else dict(definition)


def masked_config(config: Config, is_erased: bool = False) -> dict[str, JsonValue]:
    """The config as it may be shown."""

    def shown(slot: Slot, value: JsonValue) -> JsonValue:
        if is_sealed(value):
            return ERASED if is_erased else MASK
        return MASK if is_secret(config, slot, value) else value

    masked = replaced(config, shown)
    if isinstance(url := masked.get("url"), str):
        # Jobs of the time before such addresses were refused.
        masked["url"] = without_credentials(url)
    return masked


def masked_at(pointer: str, value: JsonValue, definition: Config) -> JsonValue:
    """What stands at a place of the definition (RFC 6901), as it may be shown."""
    config = definition.get(_CONFIG)
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if value is None or not isinstance(config, dict) or parts[:1] != [_CONFIG]:
        return value
    masked: JsonValue = masked_config(config)
    for name in parts[1:]:
        if not isinstance(masked, dict):
            # The place lies within something that is masked as a whole.
            return MASK
        masked = masked.get(name)
    return masked
