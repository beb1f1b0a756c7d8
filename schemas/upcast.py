"""Lifting old versions of a message to the newest, before validation.

Guarantee: a type string that was ever released stays readable for ever. An upcaster is a pure function over the
decoded JSON; it names the type that its result has, and upcasters chain. Golden files in `tests/golden/events`
hold one record of every version.
"""

from collections.abc import Callable, Mapping
from typing import Any

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: Mapping[str, tuple[str, Upcaster]] = {}
"""Old type → (newer type, how). Empty until a second version of any type is released."""


def upcast(
    type_: str, data: dict[str, Any], upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS
) -> tuple[str, dict[str, Any]]:
    """The newest type that `data` can be lifted to, and the lifted data."""
    while type_ in upcasters:
        type_, lift = upcasters[type_]
        data = lift(data)
    return type_, data
