"""A dispatcher with keys decides on commands of who may give them, and on no others: a seal is not had by writing."""

import json
from dataclasses import replace

import pytest

from horolog.domain.command_seals import CommandKey, CommandSeals
from horolog.domain.seals import HEADER
from horolog.log.port import Record
from schemas.base import Message
from schemas.commands import BarActor, CancelExecution, Command, CreateJob, PauseJob, SuspendTenant, TriggerJob
from schemas.events.owners import CommandAccepted, RecordRefused
from schemas.topics import COMMANDS
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition
from tests.tidy.tree import ROOT
from tests.unit.deciding.kit import (
    HOME,
    OPEN,
    PARTITIONS,
    TENANT,
    Dispatching,
    at,
    command,
    definition,
    fire,
    messages,
    record,
    uuid_of,
)

OURS, OLD, STRANGE = (CommandKey(f"{name}-key-0123456789-0123456789".encode()) for name in ("ours", "old", "strange"))
BILLING = CommandKey(b"of-billing-key-0123456789-0123456", "billing", frozenset({TENANT}))
ELSEWHERE = CommandKey(b"of-elsewhere-key-0123456789-01234", "elsewhere", frozenset({uuid_of(9)}))
SEALS = CommandSeals([OURS, OLD, BILLING, ELSEWHERE])
CREATE = command(CreateJob, 1, job_id=uuid_of(1), definition=definition())


def sealed(asked: Command, key: CommandKey | None) -> Record:
    """The command as the holder of the key writes it."""
    written = record(asked)
    seal = () if key is None else (key.seal(asked.TYPE, written.value or b""),)
    return replace(written, headers=(*written.headers, *seal))


def decided(*records: Record, is_upgrading: bool = False) -> list[Message]:
    """What a dispatcher with the keys makes of the records."""
    book = Book(HOME, OPEN, is_upgrading=is_upgrading)
    partition = DispatcherPartition(book, PARTITIONS, command_seals=SEALS)
    return messages(partition.turn(records, at(1)).outputs)


def letters(found: list[Message]) -> list[str]:
    """Why records were refused, where nothing else came of them."""
    assert {type(message) for message in found} <= {RecordRefused}
    return [message.reason for message in found if isinstance(message, RecordRefused)]


@pytest.mark.parametrize("key", [OURS, OLD])
def test_command_of_the_platform_is_decided_on_whichever_of_its_keys_sealed_it(key: CommandKey) -> None:
    assert CommandAccepted in {type(message) for message in decided(sealed(CREATE, key))}


@pytest.mark.parametrize("key", [None, STRANGE])
def test_command_that_nobody_sealed_who_may_give_it_is_a_dead_letter_and_has_no_outcome(key: CommandKey | None) -> None:
    """Airflow CVE-2020-11981 by another door: whoever writes to the topic of commands has nothing run."""
    found = decided(sealed(CREATE, key))
    assert letters(found) == ["nobody who may give commands has sealed the record with a key that is known here"]


def test_id_that_a_stranger_has_used_is_still_free_for_who_may_use_it() -> None:
    found = decided(sealed(CREATE, STRANGE), sealed(CREATE, OURS))
    assert [message.command_id for message in found if isinstance(message, CommandAccepted)] == [CREATE.command_id]


def test_seal_belongs_to_its_value_and_its_type() -> None:
    pause, trigger = command(PauseJob, 2, job_id=uuid_of(1)), command(TriggerJob, 2, job_id=uuid_of(1))
    other = sealed(command(PauseJob, 2, job_id=uuid_of(2)), OURS)
    assert len(letters(decided(replace(other, value=pause.to_json())))) == 1
    seal = next(content for name, content in sealed(pause, OURS).headers if name == HEADER)
    moved = record(trigger)
    assert len(letters(decided(replace(moved, headers=(*moved.headers, (HEADER, seal)))))) == 1


def as_billing(asked: Command) -> Command:
    return asked.model_copy(update={"actor": "service:billing"})


def test_producer_asks_in_its_own_name_for_jobs_of_its_tenants() -> None:
    found = decided(sealed(as_billing(CREATE), BILLING))
    assert CommandAccepted in {type(message) for message in found}


@pytest.mark.parametrize(
    ("asked", "key", "why"),
    [
        (CREATE, BILLING, "the key of billing gives commands as service:billing only"),
        (as_billing(CREATE), ELSEWHERE, "the key of elsewhere is not for this tenant"),
        (as_billing(command(SuspendTenant, 3)), BILLING, "the key of billing is for jobs and executions"),
        (as_billing(command(BarActor, 3, barred_actor="user:ada")), BILLING, "the key of billing is for jobs and"),
        (command(CancelExecution, 3, execution_id=uuid_of(50)), BILLING, "the key of billing gives commands as"),
    ],
)
def test_what_a_producers_key_is_not_for_is_a_dead_letter(asked: Command, key: CommandKey, why: str) -> None:
    (reason,) = letters(decided(sealed(asked, key)))
    assert reason.startswith(why)


def test_while_the_release_before_is_at_work_what_has_no_seal_passes_and_a_wrong_one_does_not() -> None:
    found = decided(sealed(CREATE, None), is_upgrading=True)
    assert CommandAccepted in {type(message) for message in found}
    assert len(letters(decided(sealed(CREATE, STRANGE), is_upgrading=True))) == 1


def test_without_keys_everything_is_decided_on_and_other_topics_need_no_seal() -> None:
    assert CommandAccepted in {type(message) for message in Dispatching().turn(0, CREATE)}
    assert RecordRefused not in {type(message) for message in decided(sealed(CREATE, OURS), record(fire(2, 50)))}


def test_seals_are_those_of_the_golden_file() -> None:
    (vector,) = json.loads((ROOT / "tests/golden/command_seals.json").read_text(encoding="utf-8"))["vectors"]
    key, value = CommandKey(vector["key"].encode()), vector["value"].encode()
    assert vector["type"] == PauseJob.model_validate_json(value).TYPE
    assert key.seal(vector["type"], value) == (HEADER, vector["seal"].encode())
    assert COMMANDS.name == "commands.v1"


def test_keys_are_never_shown() -> None:
    assert not [key for key in SEALS.keys if key.key.decode() in repr(SEALS)]
