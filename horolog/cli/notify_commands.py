"""`horolog notify`: the rules of who is told what of jobs, and what became of what was sent.

Guarantee: where a channel leads is a secret, so a rule is read from a file or from standard input, never from the
command line, where everybody on the machine could read it.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from horolog.cli.client import open_client
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_pairs, write_table
from horolog.cli.problems import OK, wrong_use
from horolog.cli.replay_command import instant

RULES, DELIVERIES = "/api/v1/notifications/rules", "/api/v1/notifications/deliveries"
RuleId = Annotated[str, typer.Argument(metavar="RULE", help="The rule's id.")]
RuleFile = Annotated[Path, typer.Argument(metavar="FILE", help="JSON, as the API takes it; - is standard input.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")]
_RULE_COLUMNS = ("id", "name", "kinds", "channelType", "tags", "enabled", "version")
_DELIVERY_COLUMNS = ("madeAt", "id", "ruleName", "kind", "factCount", "state", "attempt", "statusCode", "failure")


class State(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Which:
    """Which deliveries; all that is given must hold."""

    rule: Annotated[str | None, typer.Option(help="Of the rule of this id.")] = None
    job: Annotated[str | None, typer.Option(help="About the job of this id.")] = None
    state: Annotated[State | None, typer.Option(help="That are in this state.")] = None
    since: Annotated[datetime | None, typer.Option("--from", parser=instant, metavar="ISO", help="From then on.")] = (
        None
    )

    def query(self) -> dict[str, Any]:
        """The conditions, as the API names them."""
        since = self.since.isoformat() if self.since else None
        return {"ruleId": self.rule, "jobId": self.job, "state": self.state, "from": since}


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    notify = typer.Typer(help="Say who is told what of jobs, and see what was sent.", no_args_is_help=True)
    for name, function, example in (
        ("list", list_rules, ""),
        ("show", show_rule, "RULE"),
        ("create", create_rule, "rule.json"),
        ("update", update_rule, "RULE - < rule.json"),
        ("delete", delete_rule, "RULE"),
        ("test", try_rule, "RULE"),
        ("deliveries", list_deliveries, "--state dead"),
        ("redeliver", redeliver, "DELIVERY"),
    ):
        notify.command(name, epilog=f"Example:  horolog notify {name} {example}".rstrip())(grouped(function))
    app.add_typer(notify, name="notify", epilog="Example:  horolog notify list")


def list_rules(api: ApiOptions, limit: Limit = 50) -> int:
    """List the rules, newest first."""
    return _listed(api, RULES, {}, limit, _RULE_COLUMNS)


def show_rule(rule: RuleId, api: ApiOptions) -> int:
    """Show a rule, without where its channel leads."""
    with open_client(api) as client:
        return _shown(client.get(f"{RULES}/{rule}"), api)


def create_rule(file: RuleFile, api: ApiOptions) -> int:
    """Create a rule."""
    body = _rule_in(file)
    with open_client(api) as client:
        return _shown(client.change("POST", RULES, body).body, api)


def update_rule(rule: RuleId, file: RuleFile, api: ApiOptions) -> int:
    """Replace a rule; without a channel in the file it keeps its own."""
    body = _rule_in(file)
    with open_client(api) as client:
        return _shown(client.change("PUT", f"{RULES}/{rule}", body).body, api)


def delete_rule(rule: RuleId, api: ApiOptions) -> int:
    """Delete a rule; what it has not sent yet is given up."""
    with open_client(api) as client:
        client.change("DELETE", f"{RULES}/{rule}")
    if api.as_json:
        write_json({"id": rule, "deleted": True})
    else:
        write_line(f"The rule {rule} is gone.")
    return OK


def try_rule(rule: RuleId, api: ApiOptions) -> int:
    """Have a test message sent as the rule says; `horolog notify deliveries` tells how that went."""
    with open_client(api) as client:
        return _shown(client.change("POST", f"{RULES}/{rule}/test").body, api)


def list_deliveries(which: Which, api: ApiOptions, limit: Limit = 50) -> int:
    """List what was made of rules and how sending it went, newest first."""
    return _listed(api, DELIVERIES, which.query(), limit, _DELIVERY_COLUMNS)


def redeliver(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")], api: ApiOptions
) -> int:
    """Send a delivery once more, under the same id."""
    with open_client(api) as client:
        return _shown(client.change("POST", f"{DELIVERIES}/{delivery}/redeliver").body, api)


def _listed(api: ApiOptions, path: str, query: dict[str, Any], limit: int, columns: tuple[str, ...]) -> int:
    with open_client(api) as client:
        items = list(client.pages(path, query, limit))
    if api.as_json:
        write_json({"items": items})
    else:
        write_table(columns, ([item.get(column) for column in columns] for item in items))
    return OK


def _shown(body: dict[str, Any], api: ApiOptions) -> int:
    if api.as_json:
        write_json(body)
    else:
        write_pairs(body)
    return OK


def _rule_in(file: Path) -> Any:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise wrong_use(f"{file} cannot be read: {type(error).__name__}.", "Name a file of JSON, or -.") from error
    except ValueError as error:
        # Without the library's words, which may show what the file holds.
        raise wrong_use(f"{file} is not JSON.", "docs/notifications.md shows what a rule is made of.") from error
