"""Beside the release before this one, the API writes nothing to the log that the other could not read."""

from tests.unit.api.test_sign_in import log_in
from tests.unit.api.world import JOB, OURS, open_world

NEW = {**JOB, "jobType": "command", "config": {"command": "true", "image": "reports:1"}}


async def test_what_the_release_before_cannot_read_is_refused_and_not_written() -> None:
    async with open_world(is_upgrading=True) as world:
        answer = await world.ask("POST", "/jobs", NEW)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "UPGRADE_IN_PROGRESS")
        assert answer.json()["error"]["details"] == {"fields": ["definition.config.image"]}
        assert world.log.commands == []


async def test_a_caller_within_tags_changes_nothing_meanwhile() -> None:
    async with open_world(is_upgrading=True) as world:
        world.issuing.add("narrow", OURS, "developer", tags=("billing",))
        token = str((await log_in(world, "narrow")).json()["accessToken"])
        answer = await world.ask("POST", "/jobs", JOB, token=token)
        assert answer.json()["error"]["code"] == "UPGRADE_IN_PROGRESS"
        assert world.log.commands == []


async def test_what_both_can_read_is_written_as_ever() -> None:
    async with open_world(is_upgrading=True) as world:
        assert (await world.created())["name"] == JOB["name"]


async def test_without_an_upgrade_all_of_it_is_written() -> None:
    async with open_world() as world:
        assert (await world.ask("POST", "/jobs", NEW)).status_code == 201
