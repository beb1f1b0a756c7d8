"""The commands of README.md and docs/*.md, typed beside the installation of `docs/monitoring.md`.

Each test reads its block from the document. What stands there for a reader's own, such as an id, is put in its place.
"""

from __future__ import annotations

import re
import shlex

import httpx
import pytest

from tests.documents.blocks import block
from tests.documents.installation import TENANT, Installation
from tests.documents.terminal import program
from tests.tidy.tree import ROOT

DEADLINE_S = 60.0
FAILS_AT_ONCE = "job create --name {name} --cron '* * * * * *' --http http://127.0.0.1:1/ --tag {tag}"

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


def environment(installation: Installation, name: str) -> str:
    """A variable of the terminal."""
    return installation.terminal.run(f'printf %s "${name}"')


def test_first_job_of_the_readme(installation: Installation) -> None:
    printed = installation.run(block("README.md", "sh", 2))
    assert "hello" in printed
    assert "02:30:00" in printed
    assert "hello" in [job["name"] for job in installation.told("job list")["items"]]


def test_people_and_their_tokens(installation: Installation, administrator: str) -> None:
    lines = block("README.md", "sh", 4).filled({"UUID": TENANT})
    printed = installation.administer(f"{lines}\n.venv/bin/horolog logout", typed=f"{administrator}\n")
    assert "Signed in" in printed
    assert "billing" in printed


def test_jobs_in_files(installation: Installation) -> None:
    folder = installation.terminal.folder / "jobs"
    folder.mkdir()
    text = block("docs/apply.md", "yaml").filled({"/usr/bin/backup": "echo"})
    (folder / "nightly.yaml").write_text(text, encoding="utf-8")
    installation.run(block("docs/apply.md", "sh"))
    [job] = installation.told("job list --tag applied:shop")["items"]
    assert (job["name"], job["config"]["args"]) == ("nightly backup", ["--all"])


def test_jobs_from_elsewhere(installation: Installation) -> None:
    folder = installation.terminal.folder
    program(folder / ".venv" / "bin" / "crontab", "echo '*/15 * * * * df -h /'")
    (folder / "cronjobs.yaml").write_bytes((ROOT / "examples" / "cronjobs.yaml").read_bytes())
    failing = {"horolog import kubernetes": 1, "horolog apply": 2}
    printed = installation.run(block("docs/import.md", "sh"), failing=failing)
    assert "df -h /" in printed
    assert "+ create shop/report" in printed


def test_rule_is_tried_and_sent_again(installation: Installation) -> None:
    shell = installation.terminal
    shell.run("export HOOK_SECRET=whsec_$(openssl rand -base64 24)")
    shell.run(f".venv/bin/python -m examples.receiver {installation.ports[8098]} > .horolog/received & receiver=$!")
    secret = environment(installation, "HOOK_SECRET")
    places = {"whsec_…": secret, "https://example.com/hook": installation.url(8098)}
    (shell.folder / "rule.json").write_text(block("docs/notifications.md", "json").filled(places), encoding="utf-8")
    create, *rest = block("docs/notifications.md", "sh").text.splitlines()
    shell.run(create)
    [rule] = [one for one in installation.told("notify list")["items"] if one["name"] == "billing fails"]
    trying, *_, again = rest
    shell.run(trying.replace("RULE", rule["id"]))
    sent = f"notify deliveries --rule {rule['id']} --state sent"
    shell.run(f"until .venv/bin/horolog {sent} | grep test > .horolog/tried; do sleep 0.1; done")
    [delivery] = installation.told(sent)["items"]
    assert delivery["kind"] == "test"
    shell.run("\n".join([*rest[1:-1], again.replace("DELIVERY", delivery["id"])]))
    shell.run("until [ $(grep -c 'job.test -' .horolog/received) = 2 ]; do sleep 0.1; done")
    shell.run("kill $receiver; wait $receiver || true")


def test_events_are_followed(installation: Installation) -> None:
    installation.told(FAILS_AT_ONCE.format(name="followed", tag="followed"))
    variables = {name: environment(installation, name) for name in ("HOROLOG_TOKEN", "HOROLOG_URL")}
    text = re.sub(r"\$(\w+)", lambda match: variables[match[1]], block("docs/events.md", "sh").text)
    command, option, with_header, header, url = shlex.split(text)
    assert (command, option, with_header) == ("curl", "-N", "-H")
    name, _, value = header.partition(": ")
    with httpx.stream("GET", url, headers={name: value}, timeout=DEADLINE_S, trust_env=False) as answer:
        lines = []
        for line in answer.iter_lines():
            lines.append(line)
            if line.startswith("data: ") and '"execution.failed"' in line:
                break
    assert lines[0] == "retry: 2000"
    assert "event: execution.failed" in lines
    installation.told("job delete followed --yes")


def test_everything_is_proved_and_told(installation: Installation, tenants_own: str) -> None:
    """Each of the proofs fails where it finds something."""
    lines = block("README.md", "sh", 5).text
    printed = installation.administer(f"horolog login dev\n{lines}\nhorolog logout", typed=f"{tenants_own}\n")
    assert "user:" in printed


def test_audit_trail_is_signed_and_verified(installation: Installation) -> None:
    elsewhere = installation.terminal.folder / "elsewhere"
    elsewhere.mkdir()
    shown = block("docs/security.md", "sh")
    installation.run(shown, {"/elsewhere/audit-….jsonl": f"{elsewhere}/audit-*.jsonl", "/elsewhere/": f"{elsewhere}/"})
    assert len(list(elsewhere.glob("audit-*.jsonl"))) == 1


def test_topics_and_schema_for_the_figures_by_the_minute(installation: Installation) -> None:
    """Faust is in an environment of its own, where `tests/integration/analytics` runs the worker."""
    places = {"pip install 'horolog[analytics]'": "true", "horolog serve analytics": "true"}
    installation.run(block("docs/analytics.md", "sh"), places)
    installation.terminal.run(".venv/bin/horolog topics --check")
