"""The examples of `docs/cli.md`, run beside the installation of `docs/monitoring.md`, in an order that makes sense.

What would take the installation away, or never ends, is named with the test that runs the command elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from tests.documents.blocks import blocks_of
from tests.documents.installation import TENANT, Installation
from tests.tidy.tree import ROOT

JOBS = (
    "job create",
    "job validate",
    "job list",
    "job get",
    "job update",
    "job fires",
    "job versions",
    "job rollback",
    "job pause",
    "job resume",
    "export",
    "job trigger",
)
RUNS = ("exec list", "exec get", "exec tail", "exec cancel")
RULES = ("notify create", "notify list", "notify show", "notify update", "notify deliveries")
SENDING = ("notify test", "notify redeliver", "notify delete")
NEWCOMER = ("user create", "user list", "user tags")
PEOPLE = ("user roles", "user disable", "user enable", "user password", "user revoke", "token list")
TENANTS = ("tenant create", "tenant list", "tenant show", "tenant update", "tenant suspend", "tenant resume")
SECRETS = ("secret set", "secret list", "secret delete")
PROOFS = ("verify ledger", "verify projections", "verify audit", "replay")
AUDIT = ("audit list", "audit export")
ALONE = ("next", "openapi", "asyncapi", "docs", "keys list", "keys rotate", "migrate", "topics", "tenant usage")
SOURCES = ("import kubernetes", "import celery", "import xxl-job", "import bullmq", "apply")
ENDING = ("job stop", "job delete")
ELSEWHERE: Mapping[str, str] = {
    "dev": "tests/e2e/test_restart.py",
    "serve": "tests/documents/test_watching.py",
    "worker run": "tests/documents/test_programs.py",
    "events": "tests/unit/cli/test_event_commands.py",
    "login": "tests/documents/test_commands.py",
    "logout": "tests/documents/test_commands.py",
    "import crontab": "tests/documents/test_commands.py",
    "audit checkpoint": "tests/documents/test_commands.py",
    "audit sink": "tests/e2e/test_audit_sink_command.py",
    "token revoke": "tests/unit/cli/test_user_commands.py",
    "tenant erase": "tests/e2e/test_erased_tenant.py",
    "keys erase": "tests/integration/cli/test_keys_commands.py",
    "doctor": "tests/integration/cli/test_doctor_on_kafka.py",
    "rebuild": "tests/e2e/test_verify_commands.py",
    "backup": "tests/documents/test_elsewhere.py",
    "restore": "tests/documents/test_elsewhere.py",
    "verify backup": "tests/documents/test_elsewhere.py",
}
EXAMPLES = [one.text.strip() for one in blocks_of("docs/cli.md")]

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


def example(command: str, places: Mapping[str, str] | None = None) -> str:
    """The example of a command, with what is to stand there instead."""
    [text] = [one for one in EXAMPLES if re.search(rf"\bhorolog {command}(?= |$)", one)]
    for place, value in (places or {}).items():
        text = text.replace(place, value)
    return text


def lines(commands: tuple[str, ...], places: Mapping[str, str] | None = None) -> str:
    """The examples of these commands, one after the other."""
    return "\n".join(example(command, places) for command in commands)


def test_every_example_is_run_here_or_somewhere() -> None:
    here = (
        *JOBS,
        *RUNS,
        *RULES,
        *SENDING,
        *NEWCOMER,
        *PEOPLE,
        *TENANTS,
        *SECRETS,
        *PROOFS,
        *AUDIT,
        *ALONE,
        *SOURCES,
        *ENDING,
    )
    assert sorted(example(command) for command in (*here, *ELSEWHERE)) == sorted(EXAMPLES)
    assert [path for path in ELSEWHERE.values() if not (ROOT / path).is_file()] == []


def test_jobs_and_their_runs(installation: Installation) -> None:
    shell = installation.terminal
    body = {"name": "valid", "cronExpression": "0 0 0 * * *", "jobType": "command", "config": {"command": "df"}}
    (shell.folder / "job.json").write_text(json.dumps(body), encoding="utf-8")
    shell.run(lines(JOBS, {"--to 3": "--to 1"}))
    job = installation.told("job get disk")
    [run] = installation.told(f"exec list --job {job['id']}")["items"][:1]
    places = {"0b8f4c1e-6a53-5f39-9d0c-2f1f5a0d3f11": run["id"]}
    # It has ended when its tail has.
    shell.run(lines(RUNS, places), failing={"horolog exec cancel": 1})
    shell.run(lines(ENDING))


def test_rules_and_what_was_sent(installation: Installation) -> None:
    shell = installation.terminal
    target = {"type": "webhook", "url": "http://127.0.0.1:1/", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    rule = {"name": "of the reference", "kinds": ["failed"], "tags": ["nobody has it"], "channel": target}
    (shell.folder / "rule.json").write_text(json.dumps(rule), encoding="utf-8")
    shell.run(example("notify create"))
    [id_] = [one["id"] for one in installation.told("notify list")["items"] if one["name"] == rule["name"]]
    shell.run(lines(RULES[1:], {"RULE": id_}))
    delivery = installation.told(f"notify test {id_}")
    shell.run(lines(SENDING, {"RULE": id_, "DELIVERY": delivery["id"]}))


def test_people_and_tenants(installation: Installation, administrator: str) -> None:
    # Another name than in the README, whose test may have been here.
    places = {"ada": "eve", "create eve --role developer": f"create eve --role developer --tenant {TENANT}"}
    # An auditor's role cannot be narrowed: the tags have to go first.
    typed = [lines(NEWCOMER, places), "horolog user tags eve", lines(PEOPLE, places), lines(TENANTS)]
    signed_in = "\n".join(["horolog login admin", *typed, "horolog logout"])
    installation.administer(signed_in, typed=f"{administrator}\n")


def test_secrets_proofs_and_documents(installation: Installation) -> None:
    (installation.terminal.folder / "token.txt").write_text("a token that nobody knows\n", encoding="utf-8")
    installation.terminal.run(lines((*SECRETS, *PROOFS, *ALONE)))


def test_audit_trail(installation: Installation, tenants_own: str) -> None:
    installation.administer(f"horolog login dev\n{lines(AUDIT)}\nhorolog logout", typed=f"{tenants_own}\n")


def test_jobs_of_other_schedulers(installation: Installation) -> None:
    folder = installation.terminal.folder
    samples = {
        "cronjobs.yaml": "cronjobs.yaml",
        "xxl_job_info.csv": "jobs.csv",
        "job_schedulers.json": "schedulers.json",
    }
    for sample, name in samples.items():
        (folder / name).write_bytes((ROOT / "examples" / sample).read_bytes())
    (folder / "celeryconfig.py").write_text("beat_schedule = {'a': {'task': 'shop.ping', 'schedule': 30}}\n", "utf-8")
    partly = {f"horolog import {source}": 1 for source in ("kubernetes", "xxl-job", "bullmq")}
    installation.terminal.run(lines(SOURCES), failing={**partly, "horolog apply": 2})
