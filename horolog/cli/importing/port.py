"""The port that every format is read through, and what is the same for all of them.

Guarantee: an entry that comes out is a good definition with a name of its own; whatever is wrong with it otherwise is
the reason why it is not mapped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from horolog.cli.applying.exported import chosen
from horolog.cli.applying.job_text import TextProblem
from horolog.cli.definition_check import definition_problems
from horolog.cli.importing.schedules import NotMapped, clock_change_notes
from horolog.domain.sensitive import is_secret, slots
from schemas.jobs import NAME_LENGTH_MAX, JobDefinition

TIMEOUT_NONE_S = 86_400
"""The longest timeout that there is, for sources that set none."""
CONCURRENT_NONE = 10_000
"""The largest bound that there is, for sources that set none."""
AGE_NONE_S = 7 * 86_400
"""The longest time for which a missed instant is caught up with, for sources that set none."""
EVERY_ERROR_TYPE = ("TIMEOUT", "NETWORK_ERROR", "VALIDATION_ERROR", "SYSTEM_ERROR", "USER_ERROR")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a source does not say of itself: the time zone it runs in, and where its handlers can be called."""

    timezone: str | None = None
    handler_url: str | None = None

    def zone_or(self, said: str | None, whose: str) -> str:
        """The time zone that an entry names, else the one that was given.

        Raises:
            NotMapped: neither is there.
        """
        if found := said or self.timezone:
            return found
        raise NotMapped(f"names no time zone, which then is {whose}; say which that is with --tz")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One entry as a body for the API, and in what it differs from its source."""

    body: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One job that was taken over."""

    place: str
    document: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """What was not taken over, and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a source holds, in its order."""

    entries: tuple[Entry, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()


Reader = Callable[[str, Setting], Imported]
"""Reads the text of a source; fails with nothing, for what is wrong is told as unmapped."""


def gathered(found: Iterable[tuple[str, Callable[[], Mapped]]]) -> Imported:
    """The entries at these places, each mapped by its function, which raises `NotMapped` for what cannot be."""
    entries: list[Entry] = []
    unmapped: list[Unmapped] = []
    names: set[str] = set()
    for place, mapping in found:
        try:
            entry = _checked(place, mapping(), names)
        except NotMapped as reason:
            unmapped.append(Unmapped(place, str(reason)))
            continue
        names.add(str(entry.document["name"]))
        entries.append(entry)
    return Imported(tuple(entries), tuple(unmapped))


def unreadable(problem: TextProblem) -> Imported:
    """A source that is not understood as a whole."""
    return Imported((), (Unmapped(f"line {problem.line}", problem.message),))


def job_name(text: str) -> str:
    """The text as a job's name: one line, printable, not too long.

    Raises:
        NotMapped: nothing is left of it.
    """
    name = "".join(char if char.isprintable() else " " for char in text).strip()
    if not name or len(name) > NAME_LENGTH_MAX:
        raise NotMapped(f"its name has {len(name)} characters; a job's has from 1 to {NAME_LENGTH_MAX}")
    return name


def retried(count: int, delay_ms: int, exponential: bool, delay_ms_max: int | None = None) -> dict[str, Any]:
    """The retry config that tries again after any kind of failure; none for no retries."""
    if count == 0:
        return {}
    config = {
        "maxRetries": count,
        "retryDelayMs": delay_ms,
        "exponentialBackoff": exponential,
        "retryOnErrorTypes": list(EVERY_ERROR_TYPE),
        "maxRetryDelayMs": delay_ms_max,
    }
    return {"retryConfig": {name: value for name, value in config.items() if value is not None}}


def refuse_unknown(held: Mapping[str, Any], known: Iterable[str], whose: str) -> None:
    """Raises `NotMapped` for what there is no counterpart of and no note about."""
    if unknown := sorted(set(held) - set(known)):
        raise NotMapped(f"{whose} has what there is no counterpart for: {', '.join(unknown)[:200]}")


def _checked(place: str, mapped: Mapped, names: set[str]) -> Entry:
    body = dict(mapped.body)
    if problems := definition_problems(body):
        raise NotMapped("; ".join(f"{one['field']}: {one['message']}" for one in problems[:5]))
    if body["name"] in names:
        raise NotMapped(f"the name {body['name']!r} is that of another entry")
    notes = (*mapped.notes, *clock_change_notes(body), *_secret_notes(body["config"]))
    return Entry(place, chosen(JobDefinition.read(body)), notes)


def _secret_notes(config: Mapping[str, Any]) -> Sequence[str]:
    places = [slot.field for slot, value in slots(config) if is_secret(config, slot, value)]
    if not places:
        return ()
    return (f"{', '.join(places)}: kept secret here; write secret://name, or apply with --secrets keep",)
