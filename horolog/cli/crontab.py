"""Reading a crontab: what each of its lines means as a job, or why it cannot be taken over.

Follows crontab(5) of Debian's cron and cronie: environment lines, `CRON_TZ`, macros, the user column of system
crontabs, `%` as the end of the command and the start of its input, `\\%` as a percent sign. A command line is run
by `SHELL -c`, as cron does; it becomes a plain argument list only when the shell would add nothing to it.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from horolog.domain.cron import CronError, ZoneError, parse, zone

NAME_LENGTH_MAX = 200
DEFAULT_SHELL = "/bin/sh"

_ASSIGNMENT = re.compile(r"""\s*(?P<name>[A-Za-z_]\w*|"[^"]*"|'[^']*')\s*=\s*(?P<value>.*?)\s*""")
_MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9_@%+:,./= \t'\"-]*")
_OPEN_STEP = re.compile(r"(?:^|,)[A-Za-z0-9]+/")
_QUOTED = re.compile(r"""'[^']*'|"[^"$`\\]*\"""")
# Words that a shell takes as its own rather than as a program (POSIX shell, sections 2.4 and 2.14, and dash).
_SHELL_WORDS = frozenset(
    """
    . : [ alias bg bind break case cd command continue do done echo elif else esac eval exec exit export
    false fg fi for function getopts hash if in jobs kill local printf pwd read readonly return set
    shift source test then time times trap true type ulimit umask unalias unset until wait while
    """.split()  # noqa: SIM905 - thirty quoted words would be harder to read
)
_NOT_PASSED_ON = frozenset({"MAILTO", "MAILFROM", "CRON_TZ", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING"})
UserColumn = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class CronEntry:
    """A line that can be a job. `notes` say what is different from cron."""

    line: int
    text: str
    name: str
    expression: str
    timezone: str
    command: str
    args: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    user: str | None
    notes: tuple[str, ...] = ()

    def body(self) -> dict[str, object]:
        """The request body that creates the job."""
        config: dict[str, object] = {"command": self.command, "args": list(self.args)}
        if self.environment:
            config["environment"] = dict(self.environment)
        home = dict(self.environment).get("HOME")
        if home:
            config["workingDirectory"] = home
        tags = ["crontab", *([f"user:{self.user}"[:50]] if self.user else [])]
        return {
            "name": self.name,
            "description": f"Line {self.line} of a crontab: {self.text}"[:4000],
            "cronExpression": self.expression,
            "timezone": self.timezone,
            "jobType": "command",
            "config": config,
            "tags": tags,
        }


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be taken over, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Crontab:
    """What a file holds, in its order."""

    entries: tuple[CronEntry, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a crontab's meaning depends on besides its text. `timezone` holds until a CRON_TZ line."""

    timezone: str
    user_column: bool
    current_user: str | None = None


class _NotTaken(Exception):
    """Ends the reading of one line with a reason."""


def has_user_column(path: str, choice: UserColumn) -> bool:
    """Whether lines name a user: /etc/crontab and /etc/cron.d do, personal crontabs do not."""
    if choice != "auto":
        return choice == "yes"
    return path.endswith("/etc/crontab") or "/cron.d/" in path


def read_crontab(text: str, surroundings: Surroundings) -> Crontab:
    """The jobs and the refused lines of a crontab; comments and blank lines are neither."""
    environment: dict[str, str] = {}
    entries: list[CronEntry] = []
    refused: list[Refused] = []
    taken: set[str] = set()
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if (assignment := _assignment(line)) is not None:
                environment[assignment[0]] = assignment[1]
                continue
            entry = _entry(number, line, environment, surroundings, taken)
        except _NotTaken as reason:
            refused.append(Refused(number, line, str(reason)))
            continue
        taken.add(entry.name)
        entries.append(entry)
    return Crontab(tuple(entries), tuple(refused))


def _assignment(line: str) -> tuple[str, str] | None:
    found = _ASSIGNMENT.fullmatch(line)
    if found is None:
        return None
    return _unquoted(found["name"]), _unquoted(found["value"])


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _entry(
    number: int, line: str, environment: dict[str, str], surroundings: Surroundings, taken: set[str]
) -> CronEntry:
    # A leading '-' keeps SUSE's cron from logging the run; it changes nothing else.
    expression, rest = _schedule(line.removeprefix("-"))
    timezone = _timezone(environment.get("CRON_TZ"), surroundings)
    notes = list(_schedule_notes(expression))
    user = None
    if surroundings.user_column:
        user, rest = _user(rest)
        if user != surroundings.current_user:
            notes.append(f"user {user} is kept as a tag only: the job runs as the executor's user")
    if not rest:
        raise _NotTaken("There is no command.")
    shell_line = _without_percent(rest)
    if environment.get("MAILTO"):
        notes.append("MAILTO is not applied: the output is in the execution's result")
    command, args = _argument_list(shell_line, environment.get("SHELL") or DEFAULT_SHELL)
    return CronEntry(
        line=number,
        text=line,
        name=_name(shell_line, taken),
        expression=expression,
        timezone=timezone,
        command=command,
        args=args,
        environment=tuple(pair for pair in environment.items() if pair[0] not in _NOT_PASSED_ON),
        user=user,
        notes=tuple(notes),
    )


def _schedule(line: str) -> tuple[str, str]:
    if line.startswith("@"):
        macro = line.split(maxsplit=1)[0]
        if macro.lower() == "@reboot":
            raise _NotTaken("@reboot names no instant; start such a program with the machine's init system.")
        if macro.lower() not in _MACROS:
            raise _NotTaken(f"{macro} is not a macro of crontab(5).")
        return macro.lower(), line[len(macro) :].strip()
    words = line.split(maxsplit=5)
    if len(words) < 6:
        raise _NotTaken("A line has five time fields and a command.")
    expression = " ".join(words[:5])
    try:
        parse(expression)
    except CronError as error:
        raise _NotTaken(f"Bad schedule: {error}") from error
    return expression, words[5]


def _timezone(name: str | None, surroundings: Surroundings) -> str:
    if not name:
        return surroundings.timezone
    try:
        return zone(name.removeprefix(":")).name
    except ZoneError as error:
        raise _NotTaken(f"The CRON_TZ above it is of no use: {error}") from error


def _schedule_notes(expression: str) -> Iterator[str]:
    fields = expression.split()
    if len(fields) != 5:
        return
    days = (fields[2], fields[4])
    if "*" not in days and any(field.startswith("*") for field in days):
        yield "cron wants both day fields to match, for one starts with *; here either is enough"
    if any(_OPEN_STEP.search(field) for field in fields):
        yield "a step without a range, as in 5/15, goes on to the end of the field here; crons differ"


def _user(rest: str) -> tuple[str, str]:
    user, _, command = rest.replace("\t", " ", 1).partition(" ")
    return user, rest[len(user) :].strip() if command else ""


def _without_percent(command: str) -> str:
    """The command line with `\\%` as `%`; a bare `%` would begin the command's input, which a job has not."""
    if re.search(r"(?<!\\)%", command):
        raise _NotTaken("An unescaped % feeds the command on its standard input, which jobs do not have.")
    return command.replace("\\%", "%").strip()


def _argument_list(shell_line: str, shell: str) -> tuple[str, tuple[str, ...]]:
    words = _plain_words(shell_line)
    if words is None:
        return shell, ("-c", shell_line)
    return words[0], tuple(words[1:])


def _plain_words(shell_line: str) -> list[str] | None:
    """The words of a line to which a shell would add nothing, else None."""
    outside = _QUOTED.sub("", shell_line)
    if "'" in outside or '"' in outside or not _PLAIN_WORDS.fullmatch(outside):
        return None
    words = shlex.split(shell_line)
    if not words or "=" in words[0] or words[0] in _SHELL_WORDS:
        return None
    return words


def _name(shell_line: str, taken: set[str]) -> str:
    name = " ".join(shell_line.split())[: NAME_LENGTH_MAX - 10]
    name = "".join(char if char.isprintable() else "?" for char in name)
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name} ({count})"
    return unique
