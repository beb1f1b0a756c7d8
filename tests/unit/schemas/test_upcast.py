"""Old versions are lifted step by step to the newest."""

from collections.abc import Mapping
from typing import Any

from schemas.upcast import Upcaster, upcast


def _to_second(data: dict[str, Any]) -> dict[str, Any]:
    first, _, last = data["name"].partition(" ")
    return {"first": first, "last": last}


def _to_third(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "title": None}


PLANTED: Mapping[str, tuple[str, Upcaster]] = {
    "person.named.v1": ("person.named.v2", _to_second),
    "person.named.v2": ("person.named.v3", _to_third),
}


def test_an_old_version_passes_through_every_later_one() -> None:
    lifted = upcast("person.named.v1", {"name": "Ada Lovelace"}, PLANTED)
    assert lifted == ("person.named.v3", {"first": "Ada", "last": "Lovelace", "title": None})


def test_a_version_in_between_takes_only_the_steps_that_are_left() -> None:
    lifted = upcast("person.named.v2", {"first": "Ada", "last": "L"}, PLANTED)
    assert lifted == ("person.named.v3", {"first": "Ada", "last": "L", "title": None})


def test_the_newest_version_and_strangers_stay_as_they_are() -> None:
    assert upcast("person.named.v3", {"first": "Ada"}, PLANTED) == ("person.named.v3", {"first": "Ada"})
    assert upcast("stranger.v1", {"a": 1}, PLANTED) == ("stranger.v1", {"a": 1})


def test_what_is_lifted_is_not_changed_in_place() -> None:
    old = {"name": "Ada Lovelace"}
    upcast("person.named.v1", old, PLANTED)
    assert old == {"name": "Ada Lovelace"}
