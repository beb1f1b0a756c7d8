"""Mutants of fencing and of commits: who may write, what an unknown outcome means, what belongs together."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar

from horolog.log.embedded import EmbeddedLog
from horolog.log.port import CommitUnknown, Log, Outgoing, Writer
from schemas.topics import CHECKPOINTS
from tests.sim.checks.commands import commands_are_applied_once, versions_rise_by_one
from tests.sim.checks.executions import ends_follow_from_reports, histories_are_legal
from tests.sim.checks.fires import every_owed_instant_is_decided_once
from tests.sim.checks.liveness import commands_are_answered, executions_end
from tests.sim.checks.owners import one_writer_at_a_time
from tests.sim.mutants.mutant import Mutant
from tests.sim.network import Network, SimLog, SimWriter
from tests.sim.process import Process

Reopen = Callable[[], Awaitable[Writer]]


class _Unfenced:
    """Implements `Writer`: writes whoever else has opened one since."""

    def __init__(self, core: EmbeddedLog, epoch: int) -> None:
        self.epoch = epoch
        self._core = core

    async def commit(self, records: Sequence[Outgoing]) -> None:
        await self._core.append(records)

    async def close(self) -> None:
        return


class _UnfencedLog(SimLog):
    async def open_writer(self, role: str, partition: int) -> Writer:
        await self._reach()
        writer = await self._core.open_writer(role, partition)
        return SimWriter(_Unfenced(self._core, writer.epoch), self._network, self._process, role, partition)


class NoFencing(Mutant):
    """An older writer goes on writing after a newer one was opened."""

    caught_by = (one_writer_at_a_time,)

    def log(self, network: Network, process: Process) -> Log:
        return _UnfencedLog(network, process)


class _Wrong:
    """Implements `Writer` on top of a right one, which is opened anew where a subclass wants to go on."""

    def __init__(self, inner: Writer, reopen: Reopen) -> None:
        self._inner = inner
        self._reopen = reopen

    @property
    def epoch(self) -> int:
        return self._inner.epoch

    async def commit(self, records: Sequence[Outgoing]) -> None:
        await self._inner.commit(records)

    async def close(self) -> None:
        await self._inner.close()


class _Repeating(_Wrong):
    async def commit(self, records: Sequence[Outgoing]) -> None:
        try:
            await self._inner.commit(records)
        except CommitUnknown:
            self._inner = await self._reopen()
            await self._inner.commit(records)


class _Trusting(_Wrong):
    async def commit(self, records: Sequence[Outgoing]) -> None:
        try:
            await self._inner.commit(records)
        except CommitUnknown:
            self._inner = await self._reopen()


class _OutputsFirst(_Wrong):
    async def commit(self, records: Sequence[Outgoing]) -> None:
        for part in _parts(records):
            await self._inner.commit(part)


class _CheckpointFirst(_Wrong):
    async def commit(self, records: Sequence[Outgoing]) -> None:
        for part in reversed(_parts(records)):
            await self._inner.commit(part)


def _parts(records: Sequence[Outgoing]) -> Sequence[Sequence[Outgoing]]:
    """What was decided, and the checkpoint that says so."""
    decided = [record for record in records if record.topic != CHECKPOINTS.name]
    checkpoint = [record for record in records if record.topic == CHECKPOINTS.name]
    return [part for part in (decided, checkpoint) if part]


class _WrongLog(SimLog):
    def __init__(self, network: Network, process: Process, kind: type[_Wrong]) -> None:
        super().__init__(network, process)
        self._kind = kind

    async def open_writer(self, role: str, partition: int) -> Writer:
        reopen = partial(super().open_writer, role, partition)
        return self._kind(await reopen(), reopen)


class WriterMutant(Mutant):
    """Commits of some services go through a wrong writer."""

    writer: ClassVar[type[_Wrong]]
    services: ClassVar[tuple[str, ...]] = ("ticker", "dispatcher")

    def log(self, network: Network, process: Process) -> Log:
        if process.kind not in self.services:
            return super().log(network, process)
        return _WrongLog(network, process, self.writer)


class UnknownTakenAsFailed(WriterMutant):
    """A commit whose outcome is unknown is taken for failed: its records are written once more."""

    writer = _Repeating
    caught_by = (histories_are_legal, commands_are_applied_once, versions_rise_by_one)


class UnknownTakenAsWritten(WriterMutant):
    """A commit whose outcome is unknown is taken for written: the owner goes on, and its records may be lost."""

    writer = _Trusting
    caught_by = (
        histories_are_legal,
        ends_follow_from_reports,
        every_owed_instant_is_decided_once,
        commands_are_answered,
        executions_end,
        versions_rise_by_one,
    )


class CheckpointOutsideTransaction(WriterMutant):
    """What was decided and the checkpoint are two commits: who dies in between has his inputs decided on again."""

    writer = _OutputsFirst
    caught_by = (histories_are_legal, commands_are_applied_once, every_owed_instant_is_decided_once)


class WatermarkBeforeFires(WriterMutant):
    """The watermark is committed before the fires up to it: who dies in between loses them."""

    writer = _CheckpointFirst
    services = ("ticker",)
    caught_by = (every_owed_instant_is_decided_once,)
