"""A worker runs what a dispatcher has sealed, and nothing that somebody else writes to its topics."""

from dataclasses import replace

import pytest

from horolog.domain.seals import HEADER, Seals
from horolog.log.embedded import EmbeddedLog
from horolog.log.port import Outgoing
from schemas.codec import Headers, headers_of
from schemas.events.workers import TaskAssigned
from schemas.topics import TASKS
from services.executor.handover import HandOver
from services.executor.inbox import Inbox
from tests.unit.executor.world import ME, NOON, ManualClock, task

OLD, NEW, STRANGE = (f"{name}-key-0123456789-0123456789".encode() for name in ("old", "new", "strange"))


async def received(written: Outgoing, seals: Seals | None) -> tuple[list[TaskAssigned], list[str]]:
    """What a worker takes from its inbox when this lies in it, and why it refuses the rest."""
    clock = ManualClock()
    log, refused = EmbeddedLog.open(None, clock, 1), list[str]()
    inbox = Inbox(log, clock, ME, lambda record, reason: refused.append(reason), seals)
    await inbox.open()
    await log.append([written])
    batch = await anext(inbox.messages())
    await inbox.close()
    await log.close()
    return [message.task for message in batch if isinstance(message, HandOver)], refused


def handed_out(seals: Seals | None, assigned: TaskAssigned) -> Outgoing:
    """A task as a dispatcher with these seals writes it."""
    headers, value = headers_of(assigned, "test", NOON), assigned.to_json()
    seal = () if seals is None else (seals.seal(TASKS.name, assigned.TYPE, value),)
    return Outgoing(TASKS.name, 0, b"key", value, (*headers, *seal))


@pytest.mark.parametrize("theirs", [Seals([NEW]), Seals([OLD]), Seals([NEW, OLD])])
async def test_what_was_sealed_with_any_key_that_is_known_is_taken(theirs: Seals) -> None:
    assigned = task(1)
    assert await received(handed_out(theirs, assigned), Seals([NEW, OLD])) == ([assigned], [])


@pytest.mark.parametrize("theirs", [None, Seals([STRANGE])])
async def test_what_is_not_sealed_by_a_known_key_is_refused(theirs: Seals | None) -> None:
    """Airflow CVE-2020-11981 (whoever wrote to the broker ran commands on the workers)."""
    taken, refused = await received(handed_out(theirs, task(1)), Seals([NEW, OLD]))
    assert (taken, refused) == ([], ["no dispatcher has sealed the record with a key that is known here"])


def changed(written: Outgoing, seal: str) -> Headers:
    """The record's headers with something else done to its seal."""
    (right,) = [content for name, content in written.headers if name == HEADER]
    others = tuple(header for header in written.headers if header[0] != HEADER)
    match seal:
        case "twice":
            return (*others, (HEADER, right), (HEADER, right))
        case "cut":
            return (*others, (HEADER, right[:-1]))
        case _:
            return (*others, (HEADER, right.removeprefix(b"v1,")))


@pytest.mark.parametrize("seal", ["twice", "cut", "without its version"])
async def test_a_seal_that_is_not_whole_is_none(seal: str) -> None:
    written = handed_out(Seals([NEW]), task(1))
    taken, refused = await received(replace(written, headers=changed(written, seal)), Seals([NEW]))
    assert (taken, len(refused)) == ([], 1)


async def test_a_seal_belongs_to_one_value() -> None:
    sealed, other = handed_out(Seals([NEW]), task(1)), task(2)
    taken, refused = await received(replace(sealed, value=other.to_json()), Seals([NEW]))
    assert (taken, len(refused)) == ([], 1)


def test_a_seal_belongs_to_one_topic_and_one_type() -> None:
    seals = Seals([NEW])
    headers = [seals.seal("tasks.v1", "a", b"value")]
    assert seals.holds(headers, "tasks.v1", "a", b"value")
    assert not seals.holds(headers, "control.v1", "a", b"value")
    assert not seals.holds(headers, "tasks.v1", "b", b"value")


def test_keys_are_never_shown() -> None:
    assert "key" not in repr(Seals([NEW]))
