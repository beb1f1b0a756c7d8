"""Which parts of a job's config are secret, and how a config refers to a secret that is kept elsewhere.

A config has *slots*: the values of its headers, of its environment, of its parameters (top level), its body, and
what its requests are signed with, which may only refer to secrets.

Guarantee: closed by default. A header is secret unless it is one of a short list of harmless ones, a variable of the
environment always is, a parameter when the config declares it or when its name looks like one, the body when
`sensitiveBody` says so. A value that only refers to secrets (`secret://name`, with one of a few words for the scheme
before it) is none itself: it may be read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pydantic import JsonValue

MASK = "********"
"""What is shown in the place of a secret; sent back unchanged, it keeps the value."""
ERASED = "[erased]"
"""What is shown in the place of a secret whose key was erased."""
NAME_PATTERN = r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?"

_SCHEME = "secret://"
_REFERENCE = re.compile(rf"secret://({NAME_PATTERN})(?![A-Za-z0-9_-])")
_ONLY_A_REFERENCE = re.compile(rf"(?:(?:Bearer|Basic|Token|ApiKey) )?secret://{NAME_PATTERN}", re.IGNORECASE)
_HARMLESS_HEADERS = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-encoding"}
    | {"content-language", "content-type", "if-match", "if-none-match", "pragma", "prefer", "range", "referer"}
    | {"traceparent", "user-agent", "x-correlation-id", "x-request-id"}
)
_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|credential|authori[sz]ation|cookie|session|bearer|signature"
    r"|(api|access|private|signing|encryption|master|service|account)[_-]?key|^key$|^auth$|[_-](key|auth)$",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"^(https?://)[^/?#]*@", re.IGNORECASE)
_NO_PORT = re.compile(r"^(https?://)(?:\[[^\]]*\]|[^/?#:@\[\]]*):(?!\d{0,5}(?:[/?#]|$)).*", re.IGNORECASE | re.DOTALL)
"""What stands where a port would is none: most likely a password with an unescaped character in it."""
_MAPPINGS = ("headers", "environment", "parameters")
_SINGLE = ("body", "signWith")
_SIGNING = re.compile(rf"secret://{NAME_PATTERN}(?: secret://{NAME_PATTERN}){{0,2}}")

Config = Mapping[str, JsonValue]


class Slot(NamedTuple):
    """One place of a config that may hold a secret. `name` is empty for the body, and for what signs."""

    part: str
    name: str = ""

    @property
    def field(self) -> str:
        """Its place within the job, as problems name it."""
        return ".".join(filter(None, ("config", self.part, self.name)))

    @property
    def key(self) -> str:
        """Its place within the job, the same however the name of a header is written."""
        return f"{self.part}/{self.name.lower() if self.part == 'headers' else self.name}"


def slots(config: Config) -> Iterator[tuple[Slot, JsonValue]]:
    """Every slot that the config has, with its value."""
    for part in _MAPPINGS:
        held = config.get(part)
        if isinstance(held, Mapping):
            yield from ((Slot(part, name), value) for name, value in held.items())
    for part in _SINGLE:
        if config.get(part) is not None:
            yield Slot(part), config[part]


def replaced(config: Config, change: Callable[[Slot, JsonValue], JsonValue]) -> dict[str, JsonValue]:
    """The config with the value of each slot as `change` gives it."""
    copy = dict(config)
    for slot, value in slots(config):
        new = change(slot, value)
        if slot.part in _SINGLE:
            copy[slot.part] = new
        else:
            held = copy[slot.part]
            assert isinstance(held, dict)
            copy[slot.part] = {**held, slot.name: new}
    return copy


def is_secret(config: Config, slot: Slot, value: JsonValue) -> bool:
    """Whether what the slot holds is to be kept secret."""
    if value is None or value == "" or is_only_a_reference(value):
        return False
    match slot.part:
        case "headers":
            return slot.name.lower() not in _HARMLESS_HEADERS
        case "environment":
            return True
        case "parameters":
            declared = config.get("sensitive")
            is_declared = isinstance(declared, list | tuple) and slot.name in declared
            return is_declared or _SECRET_NAME.search(slot.name) is not None
        case "body":
            return config.get("sensitiveBody") is True
        case _:
            return False


def without_credentials(url: str) -> str:
    """The address with a mask in the place of user and password; the same address when it has none."""
    masked = _USERINFO.sub(rf"\g<1>{MASK}@", url)
    return masked if masked != url else _NO_PORT.sub(rf"\g<1>{MASK}", url)


def is_only_a_reference(value: JsonValue) -> bool:
    """Whether the value says nothing but which secret is meant."""
    return isinstance(value, str) and _ONLY_A_REFERENCE.fullmatch(value) is not None


def refers_to_signing_secrets(value: str) -> bool:
    """Whether the value names the secrets that requests are to be signed with, and nothing else."""
    return _SIGNING.fullmatch(value) is not None


def references(slot: Slot, value: JsonValue) -> Iterator[str]:
    """The names of the secrets that the slot's value refers to: within texts; in parameters, as whole texts."""
    if slot.part == "parameters":
        yield from _whole_references(value)
    elif slot.part != "body" and isinstance(value, str):
        yield from _REFERENCE.findall(value)


def refers_wrongly(slot: Slot, value: JsonValue) -> bool:
    """Whether the value means to refer to a secret, and names one that there cannot be."""
    if not isinstance(value, str) or slot.part == "body" or _SCHEME not in value:
        return False
    if slot.part == "parameters":
        return value.startswith(_SCHEME) and _REFERENCE.fullmatch(value) is None
    return value.count(_SCHEME) != len(_REFERENCE.findall(value))


def resolved(slot: Slot, value: JsonValue, secrets: Mapping[str, str]) -> JsonValue:
    """The value with each reference replaced by the secret that it means; all must be known."""
    if slot.part == "parameters":
        return _whole_resolved(value, secrets)
    if slot.part == "body" or not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda found: secrets[found[1]], value)


def _whole_references(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
        yield found[1]
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _whole_references(item)


def _whole_resolved(value: JsonValue, secrets: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        found = _REFERENCE.fullmatch(value)
        return secrets[found[1]] if found else value
    if isinstance(value, list):
        return [_whole_resolved(item, secrets) for item in value]
    if isinstance(value, dict):
        return {name: _whole_resolved(item, secrets) for name, item in value.items()}
    return value
