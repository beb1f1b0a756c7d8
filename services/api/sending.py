"""Commands on their way: written to the log, then awaited until their effect can be read.

Guarantee: the API decides nothing. A command counts as accepted only by the dispatcher's outcome, and is answered
only once the read models show it and nothing that it forbids can still start. A repeat under the same
Idempotency-Key is the same command, and is answered with the first one's outcome. Who asked for it, and from where, is
written together with the command, and is in the log before anything is answered.
"""

import asyncio
import hashlib
from collections.abc import Sequence

from pydantic import JsonValue

from horolog.log.port import Log, LogError, Outgoing
from horolog.ports import Clock, Ids
from projections.views import OutcomeView, ReadModel, ReadModelUnavailable
from schemas.codec import headers_of
from schemas.commands import Command
from schemas.events.audit import AuditRecorded
from schemas.releases import unread_before
from schemas.topics import COMMANDS, partition_of
from services.api.call_journal import SOURCE, outgoing
from services.api.calls import SENT, Origin
from services.api.errors import ApiError, rejection
from services.api.outcomes import OutcomeWaiter
from services.api.patience import within
from services.api.settings import ApiSettings

KNOWN_S_MAX = 1.0
"""How long an earlier outcome is looked for before the command is sent without knowing."""
Settled = OutcomeView | ApiError


class CommandDesk:
    """Takes commands to the log and their outcomes back. The settings' `wait_s` bounds each of the two ways."""

    def __init__(
        self, log: Log, read_model: ReadModel, clock: Clock, ids: Ids, waiter: OutcomeWaiter, settings: ApiSettings
    ) -> None:
        self._log = log
        self._read_model = read_model
        self._clock = clock
        self._ids = ids
        self._waiter = waiter
        self._wait_s = settings.wait_s
        self._is_upgrading = settings.is_upgrading
        self._seals = settings.command_seals

    async def send(self, commands: Sequence[Command], origin: Origin) -> None:
        """Write the commands of one tenant and their origin to the log; durable when this returns.

        Raises:
            ApiError: LOG_UNAVAILABLE; the commands may have been written all the same. UPGRADE_IN_PROGRESS; then
                nothing was.
        """
        if self._is_upgrading:
            _refuse_unread(commands)
        records = [self._record(command, origin) for command in commands]
        told = self._told(commands, records, origin)
        origin.call.tenant_id = commands[0].tenant_id
        origin.call.command_id = commands[0].command_id if len(commands) == 1 else None
        try:
            async with asyncio.timeout(self._wait_s):
                await self._log.append([*records, *told])
        except (LogError, TimeoutError) as error:
            raise ApiError("LOG_UNAVAILABLE", details=_named(commands)) from error

    async def settle(self, command: Command, origin: Origin) -> OutcomeView:
        """Send one command and wait until it is in force.

        Raises:
            ApiError: the command was rejected, or its outcome is not known in time.
        """
        settled = (await self.settle_all([command], origin))[0]
        if isinstance(settled, ApiError):
            raise settled
        return settled

    async def settle_all(self, commands: Sequence[Command], origin: Origin) -> list[Settled]:
        """Send one tenant's commands together; for each, the accepted outcome or the error that it ended in."""
        known = await self._known([command for command in commands if command.request_hash])
        unsent = [command for command in commands if command.command_id not in known]
        if unsent:
            await self.send(unsent, origin)
        return await asyncio.gather(*(self._settled(command, known) for command in commands))

    def _record(self, command: Command, origin: Origin) -> Outgoing:
        value, headers = command.to_json(), headers_of(command, SOURCE, self._clock.now(), origin.traceparent)
        if self._seals is not None:
            headers = (*headers, self._seals.own.seal(command.TYPE, value))
        partition = partition_of(command.tenant_id, self._log.partition_count)
        return Outgoing(COMMANDS.name, partition, command.tenant_id.encode(), value, headers)

    def _told(self, commands: Sequence[Command], records: Sequence[Outgoing], origin: Origin) -> list[Outgoing]:
        call_id, count = self._ids.new(), self._log.partition_count
        return [
            outgoing(
                AuditRecorded(
                    tenant_id=command.tenant_id,
                    call_id=call_id,
                    at=command.issued_at,
                    actor=command.actor,
                    address=origin.address,
                    method=origin.method,
                    route=origin.route,
                    object_id=command.subject(),
                    code=SENT,
                    command_id=command.command_id,
                    request_hash=hashlib.sha256(record.value or b"").hexdigest(),
                ),
                count,
            )
            for command, record in zip(commands, records, strict=True)
        ]

    async def _known(self, commands: Sequence[Command]) -> dict[str, OutcomeView]:
        """Outcomes of an earlier request with the same key. Not having them is safe: a repeat changes nothing."""
        if not commands:
            return {}
        asked = self._read_model.outcomes_of(commands[0].tenant_id, [command.command_id for command in commands])
        try:
            outcomes = await within(min(KNOWN_S_MAX, self._wait_s), asked)
        except (ReadModelUnavailable, TimeoutError):
            return {}
        return {outcome.command_id: outcome for outcome in outcomes}

    async def _settled(self, command: Command, known: dict[str, OutcomeView]) -> Settled:
        outcome = known.get(command.command_id)
        try:
            if outcome is None or not outcome.visible:
                outcome = await self._waiter.wait(command.command_id, self._wait_s)
        except ApiError as error:
            return error
        if outcome is None or outcome.tenant_id != command.tenant_id:
            return ApiError("LOCK_ACQUISITION_FAILED", details=_named([command]))
        if outcome.request_hash != command.request_hash:
            return ApiError("IDEMPOTENCY_KEY_REUSED")
        if not outcome.accepted:
            return rejection(outcome.code or "REJECTED", outcome.message, outcome.details)
        await self._in_force(outcome)
        return outcome

    async def _in_force(self, outcome: OutcomeView) -> None:
        if outcome.effective_at is not None:
            left_s = (outcome.effective_at - self._clock.now()).total_seconds()
            if left_s > 0:
                await self._clock.sleep(min(left_s, self._wait_s))


def _refuse_unread(commands: Sequence[Command]) -> None:
    if fields := sorted({field for command in commands for field in unread_before(command)}):
        raise ApiError("UPGRADE_IN_PROGRESS", details={"fields": list[JsonValue](fields)})


def _named(commands: Sequence[Command]) -> dict[str, JsonValue]:
    return {"commandId": commands[0].command_id} if len(commands) == 1 else {}
