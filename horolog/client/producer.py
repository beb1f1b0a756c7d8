"""Commands written to the topic `commands.v1` by somebody else than the API.

Guarantee: what is sent is durable when it is answered, lies where its tenant's owner reads it, and is decided on once:
the same key of a tenant makes the same command, however often it is sent. No secret gets into the log: a command that
holds one is refused here.

The owner decides as it does on what the API sends: on the state, quotas, and what the tenant's jobs may run. Nobody
has looked at the writer's permissions or at its rate: what it may ask for, the key by which it seals says. See
`docs/sdk.md`.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from horolog.domain.command_rights import objection
from horolog.domain.command_seals import CommandSeals
from horolog.domain.definition import definition_problems
from horolog.domain.identity import command_id, created_job_id
from horolog.domain.sensitive import Config, is_secret, slots
from horolog.log.port import Log, Outgoing
from horolog.ports import Clock, Ids
from schemas.codec import headers_of
from schemas.commands import Command, CreateJob, TriggerJob, UpdateJob
from schemas.jobs import JobDefinition
from schemas.sealed import looks_sealed
from schemas.topics import COMMANDS, partition_of


class NotSendable(ValueError):
    """The command cannot be sent: it makes no sense, or holds what must not be in the log."""


@dataclass(frozen=True, slots=True)
class Sender:
    """For whom commands are sent, and who sends them: `service:billing`, say. `source` names the program."""

    tenant_id: str
    actor: str
    source: str = "horolog/sdk"


class EventProducer:
    """Sends commands of one tenant. What became of them is told on `outcomes.v1`, by their ids.

    Without `seals` (`command_seals()`) they are decided on only where commands are open to whoever can write them.
    """

    def __init__(self, log: Log, sender: Sender, clock: Clock, ids: Ids, seals: CommandSeals | None = None) -> None:
        self._log = log
        self._seals = seals
        self._sender = sender
        self._clock = clock
        self._ids = ids

    async def create_job(self, definition: JobDefinition, *, key: str | None = None) -> tuple[str, str]:
        """Ask for a job; the ids of the command and of the job that there will be.

        Raises:
            NotSendable: the definition makes no sense or holds a secret, or the key is not for this.
            LogUnavailable: it may not have been written; with a key it may be sent again.
        """
        id_ = self._id(key)
        job_id = created_job_id(id_)
        return await self._send(CreateJob, id_, {"job_id": job_id, "definition": definition}), job_id

    async def send(self, kind: type[Command], *, key: str | None = None, **fields: Any) -> str:
        """Ask for anything else, such as `send(PauseJob, job_id=…)`; the command's id.

        Raises:
            NotSendable: as above.
            LogUnavailable: as above.
        """
        return await self._send(kind, self._id(key), fields)

    def _id(self, key: str | None) -> str:
        return self._ids.new() if key is None else command_id(self._sender.tenant_id, key)

    async def _send(self, kind: type[Command], id_: str, fields: dict[str, Any]) -> str:
        now, tenant_id = self._clock.now(), self._sender.tenant_id
        asked = {"tenant_id": tenant_id, "command_id": id_, "actor": self._sender.actor, "issued_at": now, **fields}
        try:
            command = kind.model_validate(asked)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            raise NotSendable("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)) from None
        _refuse_nonsense(command)
        _refuse_secrets(command)
        command = command.model_copy(update={"request_hash": _hash_of(command)})
        value, headers = command.to_json(), headers_of(command, self._sender.source, now)
        if self._seals is not None:
            headers = (*headers, _sealed(self._seals, command, value))
        partition = partition_of(tenant_id, self._log.partition_count)
        await self._log.append([Outgoing(COMMANDS.name, partition, tenant_id.encode(), value, headers)])
        return command.command_id


def _sealed(seals: CommandSeals, command: Command, value: bytes) -> tuple[str, bytes]:
    if (why := objection(seals.own, command)) is not None:
        raise NotSendable(why)
    return seals.own.seal(command.TYPE, value)


def _hash_of(command: Command) -> str:
    """What tells a repeat from something else under the same key: all but when it is sent."""
    told = command.model_dump_json(exclude={"issued_at", "request_hash"}, exclude_none=True)
    return hashlib.sha256(f"{command.TYPE}\n{told}".encode()).hexdigest()


def _refuse_nonsense(command: Command) -> None:
    if isinstance(command, CreateJob | UpdateJob) and (problems := definition_problems(command.definition)):
        raise NotSendable("; ".join(f"{problem.field}: {problem.message}" for problem in problems))


def _refuse_secrets(command: Command) -> None:
    config: Config = {}
    if isinstance(command, CreateJob | UpdateJob):
        config = command.definition.config.to_dict()
    elif isinstance(command, TriggerJob):
        config = {"parameters": command.parameters}
    found = [slot.field for slot, value in slots(config) if looks_sealed(value) or is_secret(config, slot, value)]
    if found:
        places = ", ".join(found)
        raise NotSendable(f"{places}: a secret may not be in the log; refer to one as secret://name, or ask the API")
