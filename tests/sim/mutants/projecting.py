"""Mutants of the projections: rows and positions apart, rows that replace newer ones, and what nobody reads."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from horolog.log.port import Log, Place
from projections import projector
from projections.projector import ProjectorSettings
from projections.rows import ExecutionRow
from projections.statements import statement
from projections.writer import Moves, Writer
from tests.sim.checks.liveness import everything_is_projected
from tests.sim.checks.reading import read_models_are_the_fold_of_the_log, rows_and_positions_move_together
from tests.sim.database import Database, SimProjector
from tests.sim.mutants.mutant import Mutant, Swap
from tests.sim.network import Network
from tests.sim.process import Process
from tests.sim.tables import Tables, rows_of


class _Apart(Writer):
    """Writes rows and positions in two transactions."""

    @asynccontextmanager
    async def _rows(self, moves: Moves) -> AsyncIterator[None]:
        async with self._connection.transaction():
            partitions = sorted({place.partition for place in moves})
            await self._connection.execute(statement("lock_partitions"), self._lock, partitions)
            yield


class _RowsFirst(_Apart):
    @asynccontextmanager
    async def batch(self, moves: Moves) -> AsyncIterator[None]:
        async with self._rows(moves):
            yield
        async with super().batch(moves):
            pass


class _PositionsFirst(_Apart):
    @asynccontextmanager
    async def batch(self, moves: Moves) -> AsyncIterator[None]:
        async with super().batch(moves):
            pass
        async with self._rows(moves):
            yield


class RowsWithoutPositions(Mutant):
    """Rows are committed before the positions after them: a projector that dies in between applies them twice."""

    swaps = (Swap(projector, "Writer", _RowsFirst),)
    caught_by = (read_models_are_the_fold_of_the_log, rows_and_positions_move_together)


class PositionsWithoutRows(Mutant):
    """Positions are committed before the rows up to them: a projector that dies in between loses rows."""

    swaps = (Swap(projector, "Writer", _PositionsFirst),)
    caught_by = (read_models_are_the_fold_of_the_log,)


class _Replacing(Tables):
    def write(self, statement: str, columns: Sequence[Sequence[Any] | None]) -> None:
        if statement != "upsert_executions":
            super().write(statement, columns)
            return
        for row in rows_of(ExecutionRow, columns):
            key = (row["id"], row["scheduled_at"])
            self.executions[key] = {**self.executions.get(key, {}), **row}


class RowsReplaceNewerOnes(Mutant):
    """A row of an execution replaces what is stored, whatever its number is and whatever it carries."""

    caught_by = (read_models_are_the_fold_of_the_log,)

    def database(self, network: Network) -> Database:
        return Database(network, _Replacing())


class _OfOnePartition(SimProjector):
    async def _positions(self, writer: Writer, owned: frozenset[int]) -> dict[Place, int]:
        return await super()._positions(writer, frozenset(sorted(owned)[:1]))


class OnePartitionProjected(Mutant):
    """A projector to which several partitions fall reads the first of them alone."""

    caught_by = (everything_is_projected,)

    def projector(self, log: Log, process: Process) -> SimProjector:
        return _OfOnePartition(log, process.clock, ProjectorSettings(process.name, ""))
