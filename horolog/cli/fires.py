"""When an expression fires, computed here without any server: the work of `horolog next`.

`answer_lines` answers JSON lines with JSON lines, one for one and in order, each as soon as it is read; a line
that cannot be answered is answered with an error and never ends the stream.

`read_question` reads the plain forms of the command line without typer, whose loading takes several times as
long as the answer; whatever it does not recognise (help, mistakes) is left to the declared command.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from getopt import GetoptError, gnu_getopt
from typing import Any, BinaryIO, TextIO

from horolog.cli.output import write_json, write_line
from horolog.cli.problems import OK, CliProblem, wrong_use
from horolog.domain.cron import CronError, CronSpec, Zone, ZoneError, next_after, parse, problems, zone

COUNT_DEFAULT = 5
COUNT_MAX = 100_000
LINE_BYTES_MAX = 1024 * 1024

_LONG_OPTIONS = ("tz=", "after=", "count=", "batch=", "json")
_parsed = lru_cache(maxsize=4096)(parse)


@dataclass(frozen=True, slots=True)
class Question:
    """One call of `horolog next`: an expression, or the name of a file of questions (`-` is stdin)."""

    expression: str | None = None
    tz: str = "UTC"
    after: str | None = None
    count: int = COUNT_DEFAULT
    batch: str | None = None
    as_json: bool = False


def read_question(arguments: Sequence[str]) -> Question | None:
    """The question of a plain command line (without the command's name); None if it takes more to understand."""
    try:
        found, rest = gnu_getopt(list(arguments), "n:", _LONG_OPTIONS)
    except GetoptError:
        return None
    given = dict(found)
    # getopt takes a shortened name for the whole one, which the declared command does not.
    written = {word.partition("=")[0] for word in arguments if word.startswith("--") and word != "--"}
    count = given.get("-n", given.get("--count", str(COUNT_DEFAULT)))
    plain = written <= given.keys() and len(given) == len(found) and len(rest) <= 1
    if not plain or not count.isdecimal() or not 1 <= int(count[:9]) <= COUNT_MAX:
        return None
    return Question(
        expression=rest[0] if rest else None,
        tz=given.get("--tz", "UTC"),
        after=given.get("--after"),
        count=int(count[:9]),
        batch=given.get("--batch"),
        as_json="--json" in given,
    )


def run(question: Question) -> int:
    """Answer on stdout; the exit code.

    Raises:
        CliProblem: for a bad expression, time zone or instant, or a file that cannot be read.
    """
    if (question.batch is None) == (question.expression is None):
        raise wrong_use("Give either an expression or --batch.", "horolog next '*/5 * * * *'")
    if question.batch is not None:
        return _run_batch(question.batch, {"tz": question.tz, "after": question.after, "n": question.count})
    return _run_one(question)


def answer_lines(source: BinaryIO, target: TextIO, defaults: Mapping[str, Any]) -> None:
    """Answer every line of `source` with one line on `target`, in order, flushed one by one."""
    for line in _lines(source):
        target.write(json.dumps(answer(line, defaults)) + "\n")
        target.flush()


def answer(line: bytes, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question: `{"next": [...]}` or `{"error": sentence}`. Other keys are ignored."""
    try:
        question = json.loads(line) if len(line) <= LINE_BYTES_MAX else None
    except (ValueError, RecursionError):
        return {"error": "The line is not JSON."}
    if not isinstance(question, dict):
        return {"error": f"A question is a JSON object of at most {LINE_BYTES_MAX} bytes."}
    try:
        asked = {**defaults, **{key: question[key] for key in ("tz", "after", "n") if question.get(key) is not None}}
        spec = _parsed(_text(question, "expr"))
        after = asked["after"]
        start = _instant(None if after is None else _text(asked, "after"))
        fires = upcoming(spec, zone(_text(asked, "tz")), start, _count(asked["n"]))
    except ValueError as error:
        return {"error": str(error)}
    return {"next": [iso(fire) for fire in fires]}


def upcoming(spec: CronSpec, place: Zone, after: datetime, count: int) -> list[datetime]:
    """The first `count` fires after an instant; fewer when nothing more fires within a hundred years."""
    fires: list[datetime] = []
    fire = next_after(spec, place, after)
    while fire is not None and len(fires) < count:
        fires.append(fire)
        fire = next_after(spec, place, fire)
    return fires


def iso(instant: datetime) -> str:
    """An instant in UTC as `2026-01-01T00:00:00Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _run_one(question: Question) -> int:
    try:
        place = zone(question.tz)
        fires = upcoming(_spec(question.expression or ""), place, _instant(question.after), question.count)
    except ZoneError as error:
        raise CliProblem("INVALID_TIMEZONE", str(error), "Names look like Europe/Berlin or UTC.") from error
    except ValueError as error:
        raise wrong_use(f"--after: {error}") from error
    if question.as_json:
        next_ = [iso(fire) for fire in fires]
        write_json({"expr": question.expression, "tz": question.tz, "next": next_})
        return OK
    for fire in fires:
        write_line(f"{iso(fire)}   {_local(fire, place)}")
    return OK


def _run_batch(name: str, defaults: Mapping[str, Any]) -> int:
    if name == "-":
        answer_lines(sys.stdin.buffer, sys.stdout, defaults)
        return OK
    try:
        with open(name, "rb") as source:
            answer_lines(source, sys.stdout, defaults)
    except OSError as error:
        raise wrong_use(f"{name} cannot be read: {error.strerror}.") from error
    return OK


def _lines(source: BinaryIO) -> Iterator[bytes]:
    while line := source.readline(LINE_BYTES_MAX + 1):
        rest = line
        while not rest.endswith(b"\n") and (rest := source.readline(LINE_BYTES_MAX)):
            continue
        yield line


def _spec(expression: str) -> CronSpec:
    try:
        return parse(expression)
    except CronError as error:
        found = problems(expression)
        details = {"problems": [str(problem) for problem in found]} if len(found) > 1 else None
        raise CliProblem(
            "INVALID_CRON_EXPRESSION",
            str(error),
            "The fields are: [second] minute hour day-of-month month day-of-week.",
            details=details,
        ) from error


def _instant(text: str | None) -> datetime:
    if text is None:
        from horolog.adapters.system import SystemClock  # noqa: PLC0415 - loads asyncio, which a given instant spares

        return SystemClock().now()
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!a} is not an ISO 8601 instant such as 2026-01-01T00:00:00Z.") from None


def _text(question: Mapping[str, Any], name: str) -> str:
    value = question.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text.")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= COUNT_MAX:
        raise ValueError(f"n must be a whole number from 1 to {COUNT_MAX}.")
    return value


def _local(fire: datetime, place: Zone) -> str:
    offset = place.stretch_at(int(fire.timestamp())).offset
    return fire.astimezone(timezone(timedelta(seconds=offset))).strftime("%a %Y-%m-%d %H:%M:%S %z")
