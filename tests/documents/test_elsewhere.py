"""Examples that need no installation, or one that cannot be had here: what they name is there, and what they say is so.

A program that is not there (kubectl, docker) is stood in for by one that writes down how it was called.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from horolog.domain.notifications.fold import Made
from horolog.domain.notifications.messages import document_of
from horolog.domain.notifications.rules import Kind
from horolog.domain.signing import signed
from projections.audit_sink.batching import beginning
from projections.connections import connect
from tests.documents.blocks import Block, block, blocks_of
from tests.documents.command_lines import calls_in, problem_with
from tests.documents.terminal import Terminal, program, terminal
from tests.integration.backup.test_commands import COUNT, opened
from tests.tidy.test_compose import COMPOSE, ON_DEMAND, SERVICES
from tests.tidy.test_k8s import NAMES
from tests.tidy.test_project import EXTRAS, PROJECT
from tests.tidy.tree import ROOT
from tests.unit.notifications.telling import at, fact, known_job, rule
from tests.unit.projections.facts import admitted, changed, job, outgoing
from tests.unit.projections.test_audit_batches import CHAIN, batch_of, links

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_OF_INSTALLATIONS = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "REDIS_URL", "HOROLOG_HOME", "HOROLOG_BACKUP_KEY")
_MODULE = re.compile(r"-m (bench(?:\.peers)?|tests\.sim)(?: (.*))?$")
_OPTION = re.compile(r"(?<!\S)--[a-z-]+")


@pytest.fixture
def shell() -> Iterator[Terminal]:
    """A reader's terminal, and nothing else."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_INSTALLATIONS}
    with terminal({**kept, **COUNT}) as there:
        yield there


def stand_in(shell: Terminal, name: str) -> None:
    """A program of this name that writes down how it is called."""
    program(shell.folder / ".venv" / "bin" / name, f'echo "{name} $*" >> {shell.folder}/called')


def called(shell: Terminal) -> list[str]:
    """How the programs were called that stand in for others."""
    return (shell.folder / "called").read_text(encoding="utf-8").splitlines()


def shape(value: Any) -> Any:
    """The names of all fields."""
    return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None


@pytest.mark.parametrize("shown", blocks_of("docs/cli.md"), ids=lambda shown: shown.text.strip())
def test_example_of_the_reference_is_understood(shown: Block) -> None:
    [words] = calls_in(shown.text)
    assert problem_with(words) is None


def test_what_the_figures_by_the_minute_take_is_understood() -> None:
    shown = block("docs/analytics.md", "sh")
    assert [problem_with(words) for words in calls_in(shown.text)] == [None] * 3
    assert "pip install 'horolog[analytics]'" in shown.text
    assert "analytics" in EXTRAS


def test_audit_sink_is_set_back_by_a_command_that_there_is() -> None:
    [words] = calls_in(block("docs/audit-sink.md", "sh").text)
    assert problem_with(words) is None


def test_make_does_what_the_pages_say(shell: Terminal) -> None:
    real = shutil.which("make")
    program(shell.folder / ".venv" / "bin" / "make", f'exec "{real}" --dry-run --no-print-directory -C "{ROOT}" "$@"')
    shown = [block("README.md", "sh", 1), block("docs/benchmarks.md", "sh"), block("docs/reliability.md", "sh")]
    lines = "".join(shell.run(one.text) for one in shown).splitlines()
    assert any(line.rstrip().endswith("horolog dev") for line in lines)
    lines += [line.partition("  #")[0].rstrip() for line in block("bench/peers/README.md", "sh").text.splitlines()]
    ran = [match for line in lines if (match := _MODULE.search(line)) is not None]
    assert [match[1] for match in ran] == ["bench"] * 4 + ["tests.sim"] * 3 + ["bench.peers"] * 2
    for module in ("bench", "tests.sim", "bench.peers"):
        known = shell.run(f".venv/bin/python -m {module} --help")
        options = {option for match in ran if match[1] == module for option in _OPTION.findall(match[2] or "")}
        assert [option for option in sorted(options) if option not in known] == []


def test_secrets_of_the_first_deployment_are_those_that_compose_takes(shell: Terminal) -> None:
    shell.run(block("docs/operations.md", "sh", 1).text)
    folder = shell.folder / "deploy" / "secrets"
    always = [service for service in SERVICES.values() if "profiles" not in service]
    names = {name for service in always for name in service.get("secrets", ())}
    taken = {COMPOSE["secrets"][name]["file"].removeprefix("./secrets/") for name in names}
    assert {path.name for path in folder.iterdir()} == taken
    assert {path.stat().st_mode & 0o027 for path in folder.iterdir()} == {0}
    password = (folder / "postgres_password").read_text(encoding="utf-8").strip()
    assert f":{password}@postgres:5432/" in (folder / "database_url").read_text(encoding="utf-8")


def test_image_is_built_under_the_name_that_compose_starts(shell: Terminal) -> None:
    stand_in(shell, "docker")
    shell.run(block("docs/operations.md", "sh", 2).text)
    image = SERVICES["api"]["image"]
    assert image == f"horolog:{PROJECT['project']['version']}"
    assert called(shell) == [
        f"docker build -f deploy/Dockerfile -t {image} .",
        "docker compose -f deploy/compose.yaml up --wait",
    ]
    assert (ROOT / "deploy" / "Dockerfile").is_file()


def test_secret_of_alerts_is_what_their_service_takes(shell: Terminal) -> None:
    for name in ("docker", "chgrp"):
        stand_in(shell, name)
    (shell.folder / "deploy" / "secrets").mkdir(parents=True)
    shell.run(block("docs/monitoring.md", "sh", 7).text)
    [secret] = SERVICES["alertmanager"]["secrets"]
    file = shell.folder / "deploy" / COMPOSE["secrets"][secret]["file"]
    assert file.stat().st_mode & 0o027 == 0
    assert called(shell)[-1] == f"docker compose -f deploy/compose.yaml --profile {ON_DEMAND['alertmanager']} up --wait"


def test_step_after_an_upgrade_is_run_by_the_service_that_migrates(shell: Terminal) -> None:
    stand_in(shell, "docker")
    shell.run(block("docs/operations.md", "sh", 3).text)
    [words] = [line.partition("run --rm ")[2].split() for line in called(shell)]
    assert "build" in SERVICES[words[0]]
    assert problem_with(words[1:]) is None


def test_collector_beside_compose_is_named_and_joins_the_network_that_is_kept_for_it(shell: Terminal) -> None:
    stand_in(shell, "docker")
    (shell.folder / "deploy").mkdir()
    shell.run(block("docs/monitoring.md", "sh", 6).text)
    assert "traces" in COMPOSE["networks"]
    network = f"{COMPOSE['name']}_traces"
    assert called(shell) == [f"docker network connect --alias collector {network} YOUR-COLLECTOR"]
    settings = (shell.folder / "deploy" / "horolog.env").read_text(encoding="utf-8")
    assert settings == "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318\n"


def test_cluster_is_given_what_there_is(shell: Terminal) -> None:
    stand_in(shell, "kubectl")
    shell.run(block("deploy/k8s/README.md", "sh").text)
    words = [word for line in called(shell) for word in shlex.split(line)]
    folders = [word for word in words if word.startswith("deploy/")]
    assert len(folders) == 3
    assert [folder for folder in folders if not (ROOT / folder / "kustomization.yaml").is_file()] == []
    # Analytics is a component, of which nothing waits.
    assert {word.rpartition("/")[2] for word in words if "horolog-" in word} == set(NAMES) - {"horolog-analytics"}


async def test_backup_is_made_verified_and_restored(shell: Terminal) -> None:
    log = await opened(shell.folder / ".horolog")
    await log.append([outgoing(changed(job())), outgoing(admitted())])
    await log.close()
    shell.run(block("docs/backup.md", "sh").text)
    assert (shell.folder / "restored" / "log.db").is_file()


async def test_roles_are_made_as_the_page_says(database: str) -> None:
    """Roles belong to the whole server, which may have those of the product already: these have names of their own."""
    connection = await connect(database, "test")
    undone = connection.transaction()
    await undone.start()
    try:
        await connection.execute("create role page")
        for shown in (block("docs/security.md", "sql", 1), block("docs/security.md", "sql", 2)):
            await connection.execute(re.sub(r"\bhorolog", "page", shown.text))
        for login in ("page", "page_reader"):
            assert await connection.fetchval("select pg_has_role($1::name, 'page_api', 'member')", login)
    finally:
        await undone.rollback()
        await connection.close()


def test_batch_of_the_audit_trail_has_the_fields_of_the_page() -> None:
    shown, sent = (
        json.loads(block("docs/audit-sink.md", "json").text),
        json.loads(batch_of(beginning(CHAIN), links(2)).body),
    )
    assert (shown["type"], shape(shown)) == (sent["type"], shape(sent))
    assert shape(shown["entries"][0]) == shape(sent["entries"][0])


def test_entry_of_the_audit_trail_is_verified_as_the_page_says() -> None:
    lines = block("docs/audit-sink.md", "python").text
    for entry in json.loads(batch_of(beginning(CHAIN), links(2)).body)["entries"]:
        exec(lines, {"json": json, "hashlib": hashlib, "entry": entry})
        with pytest.raises(AssertionError):
            exec(lines, {"json": json, "hashlib": hashlib, "entry": {**entry, "actor": "user:eve"}})


def test_notification_has_the_fields_of_the_page() -> None:
    last = fact(1, 5, cause="TIMED_OUT", execution_id="an execution", scheduled_for=at(0))
    made = Made("id", rule(), {Kind.FAILED: 2, Kind.RECOVERED: 1}, at(0), last)
    shown = json.loads(block("docs/notifications.md", "json", 2).text)
    assert shape(shown) == shape(json.loads(document_of(made, known_job())))


def test_notification_is_verified_as_the_page_says() -> None:
    page: dict[str, Any] = {}
    exec(block("docs/notifications.md", "python").text, page)
    body = b'{"type": "job.failed"}'
    headers = dict(signed(SECRET, "msg-1", at(0), body))
    assert page["is_genuine"](SECRET, headers, body)
    assert not page["is_genuine"](SECRET, headers, body + b" ")
    assert not page["is_genuine"]("whsec_AAAA", headers, body)
