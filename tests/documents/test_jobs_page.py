"""Each job on the page about jobs is one that the API takes as it is."""

import json

import pytest

from tests.documents.blocks import Block, blocks_of
from tests.unit.api.world import open_world

SHOWN = blocks_of("docs/jobs.md")


@pytest.mark.parametrize("shown", SHOWN, ids=str)
async def test_job_on_the_page_is_made_as_it_stands_there(shown: Block) -> None:
    body = json.loads(shown.text)
    async with open_world() as world:
        judged = await world.ask("POST", "/jobs/validate", body)
        assert (judged.status_code, judged.json()["valid"], judged.json()["problems"]) == (200, True, [])
        made = await world.ask("POST", "/jobs", body)
        assert made.status_code == 201, made.text
        job = made.json()
        told = {name: value for name, value in body.items() if name != "config"}
        # What is left out within a policy has its default.
        assert {n: {**job[n], **v} if isinstance(v, dict) else v for n, v in told.items()} == {n: job[n] for n in told}


def test_page_shows_every_type_of_job() -> None:
    assert {json.loads(shown.text)["jobType"] for shown in SHOWN} == {"http", "function", "command"}
