"""Beside the release before this one, a worker's beats tell nothing that the other could not read."""

import pytest

from schemas.events.workers import Resource
from schemas.releases import unread_before
from tests.unit.executor.world import alive, new_world


@pytest.mark.parametrize(("is_upgrading", "unread"), [(True, ()), (False, ("controlGroups",))])
async def test_control_groups_are_told_once_everybody_can_read_of_them(
    is_upgrading: bool, unread: tuple[str, ...]
) -> None:
    async with alive(new_world(control_groups=(Resource.MEMORY,), is_upgrading=is_upgrading)) as world:
        assert {unread_before(beat) for beat in await world.beats()} == {unread}
