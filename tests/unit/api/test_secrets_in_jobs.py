"""A job's secrets: encrypted before they leave the API, never shown, and kept when they are sent back masked."""

from dataclasses import replace
from typing import Any

import pytest

from horolog.domain.sensitive import ERASED, MASK, Slot
from horolog.vault.cipher import SealBroken
from horolog.vault.places import job_place
from schemas.commands import CreateJob, TriggerJob, UpdateJob
from schemas.jobs import CommandConfig, FunctionConfig, HttpConfig
from tests.unit.api.world import JOB, OURS, THEIR_TOKEN, THEIRS, World, open_world

HUSH = "hush-9f2c7a"
HTTP = {**JOB["config"], "headers": {"Authorization": f"Bearer {HUSH}", "Accept": "text/plain"}}
FUNCTION = {"modulePath": "m", "functionName": "f", "parameters": {"apiKey": HUSH, "text": "t", "pin": {"n": [HUSH]}}}
CONFIGS: list[tuple[str, dict[str, Any]]] = [
    ("http", HTTP),
    ("http", {**JOB["config"], "body": {"pin": HUSH}, "sensitiveBody": True}),
    ("command", {"command": "env", "environment": {"A": HUSH, "B": f"x {HUSH}"}}),
    ("function", {**FUNCTION, "sensitive": ["pin"]}),
]


def sealed_texts(world: World) -> str:
    """All that the log got, as text."""
    return "".join((record.value or b"").decode() + repr(record.headers) for record in world.log.records)


@pytest.mark.parametrize(("job_type", "config"), CONFIGS)
async def test_secret_reaches_neither_the_log_nor_any_answer(
    world: World, job_type: str, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="horolog")
    definition = {**JOB, "jobType": job_type, "config": config}
    made = await world.ask("POST", "/jobs", definition, headers={"Idempotency-Key": "once"})
    place = f"/jobs/{made.json()['id']}"
    told = [made, await world.ask("GET", place), await world.ask("GET", "/jobs")]
    told.append(await world.ask("PUT", place, {**definition, "priority": 1}))
    told += [await world.ask(*asked) for asked in (("GET", f"{place}/versions"), ("POST", f"{place}/validate"))]
    told.append(await world.ask("GET", f"{place}?asOf=2026-03-02T00:00:00Z"))
    assert [answer.status_code for answer in told] == [201, *[200] * 6]
    for text in (*(answer.text for answer in told), sealed_texts(world), repr(world.served), caplog.text):
        assert HUSH not in text
    assert "enc:v1:" not in "".join(answer.text for answer in told)
    assert MASK in made.text


async def test_ciphertext_opens_in_its_own_job_and_field_only(world: World) -> None:
    await world.created(config=HTTP)
    (command,) = world.log.commands
    assert isinstance(command, CreateJob)
    assert isinstance(command.definition.config, HttpConfig)
    assert command.definition.config.headers is not None
    assert command.definition.config.headers["Accept"] == "text/plain"
    sealed = command.definition.config.headers["Authorization"]
    slot, key = Slot("headers", "authorization"), world.vault.keys[OURS]
    assert key.open(sealed, job_place(OURS, command.job_id, slot)) == f"Bearer {HUSH}"
    for place in (
        job_place(THEIRS, command.job_id, slot),
        job_place(OURS, OURS, slot),
        job_place(OURS, command.job_id, Slot("headers", "cookie")),
    ):
        with pytest.raises(SealBroken):
            key.open(sealed, place)


@pytest.mark.parametrize(("job_type", "config"), CONFIGS)
async def test_job_sent_back_as_it_was_read_keeps_its_secrets(
    world: World, job_type: str, config: dict[str, Any]
) -> None:
    job = await world.created(jobType=job_type, config=config)
    before = world.job(job["id"]).definition["config"]
    body = {name: job[name] for name in (*JOB, "config") if name in job} | {"jobType": job_type, "name": "renamed"}
    answer = await world.ask("PUT", f"/jobs/{job['id']}", body)
    assert (answer.status_code, answer.json()["name"]) == (200, "renamed")
    assert world.job(job["id"]).definition["config"] == before
    assert world.log.commands[-1].to_dict()["expectedVersion"] == 1


async def test_mask_of_a_header_is_kept_however_its_name_is_written(world: World) -> None:
    job = await world.created(config=HTTP)
    config = {**JOB["config"], "headers": {"authorization": MASK}}
    assert (await world.ask("PUT", f"/jobs/{job['id']}", {**JOB, "config": config})).status_code == 200
    command = world.log.commands[-1]
    assert isinstance(command, UpdateJob)
    assert isinstance(command.definition.config, HttpConfig)
    sealed = (command.definition.config.headers or {})["authorization"]
    place = job_place(OURS, job["id"], Slot("headers", "Authorization"))
    assert world.vault.keys[OURS].open(sealed, place) == f"Bearer {HUSH}"


async def test_masks_are_meant_for_the_version_that_they_were_read_from(world: World) -> None:
    job = await world.created(config=HTTP)
    body = {**JOB, "config": {**HTTP, "headers": {"Authorization": MASK}}}
    stale = await world.ask("PUT", f"/jobs/{job['id']}", body, headers={"If-Match": '"7"'})
    assert (stale.status_code, len(world.log.commands)) == (412, 1)


async def test_mask_that_stands_for_nothing_is_refused(world: World) -> None:
    masked = {**JOB, "config": {**HTTP, "headers": {"Authorization": MASK}}}
    created = await world.ask("POST", "/jobs", masked)
    job = await world.created()
    updated = await world.ask("PUT", f"/jobs/{job['id']}", masked)
    for answer in (created, updated):
        assert answer.status_code == 422
        assert answer.json()["error"]["details"][0]["field"] == "config.headers.Authorization"


@pytest.mark.parametrize("part", ["headers", "environment", "parameters", "body"])
async def test_value_that_begins_like_an_encrypted_one_is_refused(world: World, part: str) -> None:
    forged = f"enc:v1:0123456789abcdef:{'A' * 60}"
    value: Any = forged if part == "body" else {"Accept": forged}
    kind = {"headers": HTTP, "body": HTTP, "environment": {"command": "env"}, "parameters": FUNCTION}[part]
    job_type = {"environment": "command", "parameters": "function"}.get(part, "http")
    answer = await world.ask("POST", "/jobs", {**JOB, "jobType": job_type, "config": {**kind, part: value}})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"].startswith(f"config.{part}")


async def test_credentials_in_an_address_are_refused_and_those_of_old_jobs_masked(world: World) -> None:
    config: dict[str, Any] = {"url": f"https://me:{HUSH}@example.com/run", "method": "GET"}
    refused = await world.ask("POST", "/jobs", {**JOB, "config": config})
    assert (refused.status_code, HUSH in refused.text) == (422, False)
    assert refused.json()["error"]["details"][0]["field"] == "config.url"
    job = await world.created()
    old = world.job(job["id"])
    world.read_model.jobs_by_id[old.id] = replace(old, definition={**old.definition, "config": config})
    shown = (await world.ask("GET", f"/jobs/{job['id']}")).json()
    assert shown["config"]["url"] == f"https://{MASK}@example.com/run"


async def test_plain_secret_of_an_old_job_is_masked_and_encrypted_when_it_is_sent_back(world: World) -> None:
    job = await world.created()
    old = world.job(job["id"])
    config: dict[str, Any] = {**JOB["config"], "headers": {"X-Api-Key": HUSH}}
    world.read_model.jobs_by_id[old.id] = replace(old, definition={**old.definition, "config": config})
    read = (await world.ask("GET", f"/jobs/{job['id']}")).json()
    assert read["config"]["headers"] == {"X-Api-Key": MASK}
    assert (await world.ask("PUT", f"/jobs/{job['id']}", {**JOB, "config": read["config"]})).status_code == 200
    assert HUSH not in sealed_texts(world)
    assert "enc:v1:" in sealed_texts(world)


async def test_reference_to_a_secret_stays_readable(world: World) -> None:
    config = {**JOB["config"], "headers": {"Authorization": "Bearer secret://billing"}}
    job = await world.created(config=config)
    assert job["config"]["headers"] == config["headers"]
    assert world.vault.keys == {}


async def test_reference_by_an_impossible_name_is_refused(world: World) -> None:
    config = {**JOB["config"], "headers": {"Authorization": "Bearer secret://Billing"}}
    answer = await world.ask("POST", "/jobs", {**JOB, "config": config})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == "config.headers.Authorization"


async def test_parameters_of_a_trigger_are_encrypted_by_the_jobs_word(world: World) -> None:
    job = await world.created(jobType="function", config={**FUNCTION, "sensitive": ["day", "pin"]})
    parameters = {"day": HUSH, "token": HUSH, "text": "plain"}
    body = {"parameters": parameters}
    headers = {"Idempotency-Key": "k"}
    answers = [await world.ask("POST", f"/jobs/{job['id']}/trigger", body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    command = next(c for c in world.log.commands if isinstance(c, TriggerJob))
    sent = command.parameters or {}
    key = world.vault.keys[OURS]
    for name in ("day", "token"):
        assert key.open(str(sent[name]), job_place(OURS, job["id"], Slot("parameters", name))) == HUSH
    assert sent["text"] == "plain"
    assert HUSH not in sealed_texts(world)


@pytest.mark.parametrize("parameters", [{"token": MASK}, {"text": "enc:v1:0123456789abcdef:x"}])
async def test_parameter_that_cannot_be_kept_secret_is_refused(world: World, parameters: dict[str, Any]) -> None:
    job = await world.created(jobType="function", config=FUNCTION)
    answer = await world.ask("POST", f"/jobs/{job['id']}/trigger", {"parameters": parameters})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")


async def test_parameters_for_a_job_that_takes_none_never_reach_the_log(world: World) -> None:
    job = await world.created()
    answer = await world.ask("POST", f"/jobs/{job['id']}/trigger", {"parameters": {"x": HUSH}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_JOB_CONFIG")
    assert HUSH not in sealed_texts(world)


async def test_internal_callers_secrets_are_encrypted_as_well(world: World) -> None:
    body = {**JOB, "config": HTTP}
    one = await world.ask("POST", "/internal/jobs/create", {"tenantId": OURS, **body})
    two = await world.ask("POST", "/internal/jobs/batch-create", {"tenantId": OURS, "jobs": [body, body]})
    assert (one.status_code, two.json()["data"]["createdCount"]) == (201, 2)
    for text in (one.text, two.text, sealed_texts(world)):
        assert HUSH not in text


async def test_rollback_brings_back_the_secret_without_opening_it(world: World) -> None:
    job = await world.created(config=HTTP)
    before = world.job(job["id"]).definition["config"]
    other = {**HTTP, "headers": {"Authorization": "Bearer other-0000"}}
    await world.ask("PUT", f"/jobs/{job['id']}", {**JOB, "config": other})
    versions = (await world.ask("GET", f"/jobs/{job['id']}/versions")).json()["items"]
    change = {"path": "/config/headers/Authorization", "before": MASK, "after": MASK}
    assert change in versions[0]["diff"]
    assert (await world.ask("POST", f"/jobs/{job['id']}/rollback", {"toVersion": 1})).status_code == 200
    assert world.job(job["id"]).definition["config"] == before


async def test_without_keys_what_is_secret_is_refused_and_all_else_taken() -> None:
    async with open_world(has_keys=False) as world:
        refused = await world.ask("POST", "/jobs", {**JOB, "config": HTTP})
        assert refused.status_code == 422
        assert "HOROLOG_MASTER_KEYS" in refused.json()["error"]["details"][0]["message"]
        assert HUSH not in refused.text
        await world.created()


async def test_erased_secret_is_shown_as_such_and_nothing_new_is_kept(world: World) -> None:
    job = await world.created(config=HTTP)
    await world.vault.erase(OURS, world.clock.now())
    read = (await world.ask("GET", f"/jobs/{job['id']}")).json()
    assert read["config"]["headers"]["Authorization"] == ERASED
    again = await world.ask("PUT", f"/jobs/{job['id']}", {**JOB, "config": read["config"]})
    new = await world.ask("POST", "/jobs", {**JOB, "config": HTTP})
    for answer in (again, new):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "KEY_ERASED")
    theirs = await world.ask("POST", "/jobs", {**JOB, "config": read["config"]}, token=THEIR_TOKEN)
    assert (theirs.status_code, "was erased" in theirs.text) == (422, True)


async def test_vault_that_is_away_writes_nothing_and_still_shows_masks(world: World) -> None:
    job = await world.created(config=HTTP)
    world.vault.is_away = True
    assert (await world.ask("POST", "/jobs", {**JOB, "config": HTTP})).status_code == 503
    assert len(world.log.commands) == 1
    assert (await world.ask("GET", f"/jobs/{job['id']}")).json()["config"]["headers"]["Authorization"] == MASK


async def test_job_without_secrets_never_asks_the_vault(world: World) -> None:
    job = await world.created()
    await world.ask("GET", f"/jobs/{job['id']}")
    await world.ask("PUT", f"/jobs/{job['id']}", JOB)
    assert world.vault.asked_count == 0


def test_configs_hold_ciphertext_of_any_length_they_allow() -> None:
    sealed = f"enc:v1:0123456789abcdef:{'A' * 20_000}"
    HttpConfig(url="https://x", method="GET", headers={"A": sealed}, body=sealed)
    CommandConfig(command="env", environment={"A": sealed})
    FunctionConfig(module_path="m", function_name="f", parameters={"a": sealed})
    for too_long in ("x" * 10_001, f"enc:v2:{'A' * 20_000}"):
        with pytest.raises(ValueError, match="10000"):
            CommandConfig(command="env", environment={"A": too_long})


@pytest.mark.parametrize("value", ["secret://billing", "secret://billing secret://billing-next"])
async def test_what_signs_requests_refers_to_secrets_and_may_be_read(world: World, value: str) -> None:
    config = {**JOB["config"], "signWith": value}
    job = await world.created(config=config)
    assert (await world.ask("GET", f"/jobs/{job['id']}")).json()["config"]["signWith"] == value


@pytest.mark.parametrize(
    "value", ["hush", "secret://", "secret://a, secret://b", "x secret://a", " ".join(["secret://a"] * 4)]
)
async def test_what_signs_requests_is_never_a_secret_itself(world: World, value: str) -> None:
    answer = await world.ask("POST", "/jobs", {**JOB, "config": {**JOB["config"], "signWith": value}})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == "config.signWith"
    assert world.log.records == []
