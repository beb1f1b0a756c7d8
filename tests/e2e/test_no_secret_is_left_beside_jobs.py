"""Canaries in what stands beside the jobs: accounts, notifications, streams of events, the audit trail and where it is
sent, exports, log files that are rotated, and backups. Nothing of them holds a secret afterwards.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from horolog.cli.preparation import bring_up_to_date
from horolog.cli.private_files import write_private
from horolog.runtime.logs import OURS, JsonLine, OwnFile
from services.api.accounts.signing import new_key
from tests.e2e.system import DEADLINE_S, EVERYTHING, PREFIX, TENANT, System, command_job, job, running
from tests.e2e.test_apply import horolog, written
from tests.e2e.test_event_streams import EVENTS, here
from tests.e2e.test_no_secret_is_left import Canaries, asked, bytes_in, everything_in
from tests.integration.api.test_accounts import told_once
from tests.integration.backup.commands import horolog as horolog_alone
from tests.integration.notifications.receiving import Hook, answer
from tests.integration.notifications.test_sending import arrived
from tests.integration.projections.audit_service import AuditService
from tests.integration.projections.audit_service import serving as serving_audit

AUTH, USERS, RULES = "/api/v1/auth", "/api/v1/users", "/api/v1/notifications/rules"
LOG_BYTES_MAX, LOG_COUNT = 8192, 200


@dataclass
class Told:
    """Who puts secrets in, which ones, and what the system says to it."""

    system: System
    canaries: Canaries
    answers: list[str] = field(default_factory=list)

    async def say(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask for something good, remember the answer, and have its body."""
        found = await self._asked(method, path, body, headers)
        assert found.is_success, found.text
        return found.json() if found.content and "json" in found.headers["content-type"] else found.text

    async def hear_no(self, path: str, body: Any, **headers: str) -> None:
        """Post what is refused, and remember the answer."""
        assert (await self._asked("POST", path, body, headers)).is_client_error

    async def _asked(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        found = await self.system.nobody.request(method, path, json=body, headers=headers)
        self.answers.append(found.text + str(found.headers))
        return found

    async def password_changed(self, name: str, once: str) -> str:
        """The password that the user has in place of the one that it was given."""
        own = self.canaries.new()
        await self.say("POST", f"{AUTH}/password", {"name": name, "password": once, "newPassword": own})
        return own

    async def tokens(self, path: str, body: Any) -> Any:
        """Tokens that the issuer gives; the answer alone may hold them."""
        made = (await self.system.nobody.post(f"{AUTH}/{path}", json=body)).raise_for_status().json()
        self.canaries.keep(made["accessToken"], made["refreshToken"])
        return made


def bearer(tokens: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['accessToken']}"}


async def use_accounts(told: Told, once: str) -> dict[str, str]:
    """Have users made, signed in, renewed, refused and signed out; the headers of an administrator of the tenant."""
    told.canaries.keep(once)
    root = await told.password_changed("admin", once)
    admin = bearer(await told.tokens("token", {"name": "admin", "password": root}))
    body = {"name": "ada", "roles": ["admin"], "tenantId": TENANT}
    made = (await told.system.nobody.post(USERS, json=body, headers=admin)).raise_for_status().json()
    told.canaries.keep(made["oneTimePassword"])
    own = await told.password_changed("ada", made["oneTimePassword"])
    await told.hear_no(f"{AUTH}/token", {"name": "ada", "password": told.canaries.new()})
    await told.hear_no(f"{AUTH}/token", {"name": told.canaries.new(), "password": own})
    first = await told.tokens("token", {"name": "ada", "password": own})
    await told.tokens("refresh", {"refreshToken": first["refreshToken"]})
    await told.hear_no(f"{AUTH}/refresh", {"refreshToken": first["refreshToken"]})
    await told.hear_no(f"{AUTH}/refresh", {"refreshToken": told.canaries.new()})
    ended = await told.tokens("token", {"name": "ada", "password": own})
    await told.say("POST", f"{AUTH}/logout", {"refreshToken": ended["refreshToken"]})
    ada = bearer(await told.tokens("token", {"name": "ada", "password": own}))
    for path in (USERS, f"{USERS}/{made['user']['id']}/sessions"):
        await told.say("GET", path, **ada)
    return ada


async def use_notifications(told: Told, hook: Hook, caller: dict[str, str]) -> None:
    """Have a failure told to a receiver whose address and secret nobody else may know, and who answers with one."""
    new = told.canaries.new
    channel = {"type": "webhook", "url": f"{hook.url}?key={quote(new(), safe='')}", "secret": new()}
    hook.answers = [answer(500, new().encode(), x_word=new())] * 3
    rule = {"name": "bad", "kinds": ["failed"], "channel": channel}
    made = await told.say("POST", RULES, rule, **caller)
    for bad in ({**channel, "url": f"ftp://x/{new()}"}, {**channel, "secret": [new()]}, {"type": new()}):
        await told.hear_no(RULES, {**rule, "channel": bad}, **caller)
    failing = await told.say("POST", f"{PREFIX}/jobs", command_job("exit 3"), **caller)
    await told.say("POST", f"{PREFIX}/jobs/{failing['id']}/trigger", {}, **caller)
    async with asyncio.timeout(DEADLINE_S):
        await arrived(hook, 1)
    await told.say("PUT", f"{RULES}/{made['id']}", {**rule, "channel": {**channel, "secret": new()}}, **caller)
    for path in (RULES, f"{RULES}/{made['id']}", "/api/v1/notifications/deliveries"):
        await told.say("GET", path, **caller)


async def use_files(told: Told, folder: Path) -> None:
    """Have a job with a secret written to a file as the command line does, and files with secrets in them read."""
    secret = {"command": "/bin/sh", "environment": {"A": told.canaries.new()}}
    await asked(told.system, "POST", f"{PREFIX}/jobs", job(name="exported", jobType="command", config=secret))
    plain = job(name="applied", jobType="command", config={**secret, "environment": {"A": told.canaries.new()}})
    code, out, err = await horolog(told.system, "export", "--annotate")
    refused, *said = await horolog(told.system, "apply", "-f", written(folder / "jobs.json", plain))
    assert (code, "exported" in out, refused == 0) == (0, True, False)
    told.answers += [out, err, *said]
    (folder / "jobs.json").unlink()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """All that is logged goes to files as well, as those of a process do."""
    handler = OwnFile(path, LOG_BYTES_MAX, LOG_COUNT)
    handler.setFormatter(JsonLine())
    loggers = [logging.getLogger(name) for name in OURS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()


async def use(told: Told, hook: Hook, audit: AuditService, once: str, folder: Path) -> None:
    """Put secrets through every door, and hear all that is told of it."""
    since = await here(told.system.client)
    ada = await use_accounts(told, once)
    await use_notifications(told, hook, ada)
    await use_files(told, folder)
    await audit.until(lambda: audit.taken_count > 5)
    for path in ("/api/v1/audit?limit=100", "/api/v1/audit?limit=100&format=csv"):
        await told.say("GET", path, **ada)
    stream = await told.say("GET", f"{EVENTS}?follow=false", **{**ada, "Last-Event-ID": since})
    assert "audit." in str(stream)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_secret_of_what_stands_beside_the_jobs_is_found(
    migrated_database: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    kept, restored, key = tmp_path / "kept", tmp_path / "restored", tmp_path / "key.pem"
    kept.mkdir()
    write_private(key, new_key().decode())
    await bring_up_to_date(migrated_database)
    for name in OURS:
        caplog.set_level(logging.DEBUG, logger=name)
    canaries, roles = Canaries(), (*EVERYTHING, "notifier")
    async with Hook() as hook, serving_audit() as audit:
        sink = {"URL": audit.url, "SECRET": canaries.new() + canaries.new()}
        environment = {f"HOROLOG_AUDIT_SINK_{name}": value for name, value in sink.items()}
        environment |= {"HOROLOG_AUTH_KEY_FILE": str(key)}
        log_path = str(kept / "log.db")
        with logging_to(kept / "horolog.log"):
            async with running(migrated_database, roles, log_path=log_path, **environment) as system:
                told = Told(system, canaries)
                await use(told, hook, audit, await told_once(capfd), kept)
                told.answers.append(system.metrics.render().decode())
    for words in (("backup", "--to", str(kept / "backup"), "--dir", str(kept)), ("restore", "--dir", str(restored))):
        more = ("--from", str(kept / "backup")) if words[0] == "restore" else ()
        code, said = await horolog_alone(*words, *more)
        assert code == 0, said
    found = {**bytes_in(kept), **{f"restored {name}": data for name, data in bytes_in(restored).items()}}
    found |= {"answers": "\n".join(told.answers).encode(), "database": await everything_in(migrated_database)}
    found["sink"] = b"\n".join(received.body for received in audit.requests)
    found["deliveries"] = b"\n".join(got.body for got in hook.got)
    assert "horolog.log.1" in found
    assert {name: secrets for name, data in found.items() if (secrets := canaries.found_in(data))} == {}
