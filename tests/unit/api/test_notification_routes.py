"""Rules and deliveries over HTTP: managed by their tenant, and never a word of where a channel leads."""

from typing import Any

import pytest

from horolog.domain.notifications.targets import target_from
from horolog.vault.places import rule_place
from services.api.permissions import Permission, permissions_of
from tests.unit.api.samples import DELIVERIES, RULE, RULES
from tests.unit.api.world import OURS, THEIR_TOKEN, World, open_world

HOOK, HUSH = "https://hooks.example.com/hush-7a1c", "hush-9f2c7a-0123456789"
CHANNELS: list[dict[str, Any]] = [
    {"type": "webhook", "url": HOOK, "secret": HUSH},
    {"type": "email", "recipients": ["ada@example.com"]},
    {"type": "slack", "url": HOOK},
    {"type": "dingtalk", "url": HOOK, "secret": HUSH},
    {"type": "dingtalk", "url": HOOK},
    {"type": "wecom", "url": HOOK},
    {"type": "service"},
]


async def created(world: World, **changes: Any) -> dict[str, Any]:
    answer = await world.ask("POST", RULES, {**RULE, **changes})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def target_of(world: World, rule_id: str) -> Any:
    """What was kept, as the notifier reads it."""
    sealed = world.notifications.kept[rule_id].sealed_target
    return target_from((await world.vault.opening_key(OURS)).open(sealed, rule_place(OURS, rule_id)))


@pytest.mark.parametrize("channel", CHANNELS)
async def test_channel_is_kept_encrypted_and_not_shown(
    world: World, channel: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="horolog")
    made = await created(world, channel=channel)
    target = await target_of(world, made["id"])
    assert target.url == channel.get("url", "")
    assert target.secrets == channel.get("secret", "")
    assert list(target.recipients) == channel.get("recipients", [])
    read = await world.ask("GET", f"{RULES}/{made['id']}")
    assert read.json() == made
    shown = read.text + caplog.text + world.notifications.kept[made["id"]].sealed_target
    assert not [word for word in ("hush", "ada@example.com") if word in shown]


async def test_rule_has_defaults_and_a_place(world: World) -> None:
    answer = await world.ask("POST", RULES, RULE)
    made = answer.json()
    assert answer.headers["location"] == f"{RULES}/{made['id']}"
    defaults = {"groupSeconds": 60, "throttleCount": 30, "throttleSeconds": 3600, "lateSeconds": 60, "enabled": True}
    assert defaults.items() <= made.items()


async def test_repeat_with_the_same_key_makes_no_second_rule(world: World) -> None:
    headers = {"Idempotency-Key": "the-same"}
    made = [(await world.ask("POST", RULES, RULE, headers=headers)).json() for _ in range(2)]
    theirs = (await world.ask("POST", RULES, RULE, headers=headers, token=THEIR_TOKEN)).json()
    assert made[0] == made[1]
    assert theirs["id"] != made[0]["id"]
    assert len(world.notifications.kept) == 2


async def test_replaced_rule_keeps_its_channel_unless_it_is_given_another(world: World) -> None:
    made = await created(world)
    before = await target_of(world, made["id"])
    change = {"name": "misses", "kinds": ["missed"], "tags": ["billing"]}
    first = await world.ask("PUT", f"{RULES}/{made['id']}", change)
    assert (first.json()["version"], first.json()["channelType"]) == (2, "webhook")
    assert await target_of(world, made["id"]) == before
    second = await world.ask("PUT", f"{RULES}/{made['id']}", {**change, "channel": {"type": "slack", "url": HOOK}})
    assert (second.json()["version"], second.json()["channelType"]) == (3, "slack")
    assert (await target_of(world, made["id"])).url == HOOK


async def test_rule_that_is_enabled_anew_is_about_what_happens_from_then_on(world: World) -> None:
    made = await created(world)
    change = {"name": "fails", "kinds": ["failed"]}
    for enabled, since in ((False, world.clock.at), (True, None)):
        await world.clock.sleep(10)
        await world.ask("PUT", f"{RULES}/{made['id']}", {**change, "enabled": enabled})
        assert world.notifications.kept[made["id"]].rule.since == (since or world.clock.at)


async def test_trial_and_redelivery_are_deliveries_to_be_sent_now(world: World) -> None:
    made = await created(world)
    trial = (await world.ask("POST", f"{RULES}/{made['id']}/test")).json()
    assert (trial["kind"], trial["state"], trial["ruleId"]) == ("test", "waiting", made["id"])
    again = (await world.ask("POST", f"{DELIVERIES}/{trial['id']}/redeliver")).json()
    assert (again["id"], again["state"], again["attempt"]) == (trial["id"], "waiting", 0)
    listed = (await world.ask("GET", f"{DELIVERIES}?ruleId={made['id']}&state=waiting")).json()
    assert [item["id"] for item in listed["items"]] == [trial["id"]]
    assert (await world.ask("GET", f"{DELIVERIES}?state=dead")).json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"kinds": []},
        {"kinds": ["test"]},
        {"name": ""},
        {"lateSeconds": "60"},
        {"throttleCount": 0},
        {"jobIds": ["1"]},
        {"tenantId": OURS},
        {"channel": {"type": "webhook", "url": HOOK}},
        {"channel": {"type": "webhook", "url": "ftp://hush", "secret": HUSH}},
        {"channel": {"type": "webhook", "url": HOOK, "secret": "hush"}},
        {"channel": {"type": "webhook", "url": HOOK, "secret": "hush\r\nhush-0123456789"}},
        {"channel": {"type": "email", "recipients": []}},
        {"channel": {"type": "email", "recipients": ["hush@example.com\r\nBcc: x@example.com"]}},
        {"channel": {"type": "email", "recipients": ["hush@example.com, x@example.com"]}},
        {"channel": {"type": "pigeon"}},
        {"channel": {"type": "hush, any of the expected tags: hush"}},
        {"channel": None},
    ],
)
async def test_bad_rule_is_refused_without_being_repeated(world: World, change: dict[str, Any]) -> None:
    answer = await world.ask("POST", RULES, {**RULE, **change})
    assert (answer.status_code, "hush" in answer.text) == (422, False)
    assert world.notifications.kept == {}


async def test_rules_are_bounded_and_need_keys(world: World) -> None:
    for _ in range(100):
        await created(world)
    assert (await world.ask("POST", RULES, RULE)).status_code == 429
    assert (await world.ask("POST", RULES, RULE, token=THEIR_TOKEN)).status_code == 201
    await world.vault.erase(OURS, world.clock.now())
    assert (await world.ask("POST", RULES, RULE)).status_code == 409
    world.vault.is_away = True
    assert (await world.ask("POST", RULES, RULE)).status_code == 503
    async with open_world(has_keys=False) as keyless:
        assert (await keyless.ask("POST", RULES, RULE)).status_code == 422


def test_viewers_read_and_those_who_write_jobs_write() -> None:
    allowed = {role: permissions_of([role]) for role in ("viewer", "operator", "developer", "admin", "auditor")}
    readers = {role for role, held in allowed.items() if Permission.NOTIFICATIONS_READ in held}
    writers = {role for role, held in allowed.items() if Permission.NOTIFICATIONS_WRITE in held}
    assert (readers, writers) == ({"viewer", "operator", "developer", "admin"}, {"developer", "admin"})
