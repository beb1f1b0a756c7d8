"""What runs print is told about a second later, within bounds, and holds up nothing when the log does not take it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from horolog.limits import OUTPUT_BATCH_BYTES_MAX, OUTPUT_BYTES_MAX, OUTPUT_INTERVAL_S, OUTPUT_REST_S
from horolog.log.port import Place
from schemas.codec import decode
from schemas.events.output import OutputAppended, OutputStream
from schemas.events.results import FailureReported, SuccessReported
from schemas.jobs import ErrorType
from schemas.topics import OUTPUT, RESULTS, partition_of
from services.executor.outcome import Outcome, failed
from services.executor.runner import Piece
from tests.unit.executor.world import ME, TENANT, World, alive, execution, new_world, task

ERR = OutputStream.STDERR


@dataclass
class Printer:
    """Implements `Tap`: what a test lets a run print."""

    stream: OutputStream = OutputStream.STDOUT
    waiting: list[str] = field(default_factory=list)
    is_cut: bool = False

    def take(self) -> Piece | None:
        if not self.waiting:
            return None
        text, self.waiting = "".join(self.waiting), []
        return Piece(text, self.is_cut)


async def begun(world: World, n: int, *printers: Printer) -> None:
    """Let a run begin that prints."""
    await world.send(task(n))
    world.runner.watchers[execution(n)].prints(*printers)


async def pieces(world: World) -> list[OutputAppended]:
    """Everything that was told so far."""
    place = Place(OUTPUT.name, partition_of(TENANT, world.log.partition_count))
    end = (await world.log.ends([place]))[place]
    found = [decode(r.topic, r.headers, r.value) async for batch in world.log.scan(place, 0, end) for r in batch]
    return [one for one in found if isinstance(one, OutputAppended)]


def shown(found: Iterable[OutputAppended]) -> list[tuple[str, int, str]]:
    """Of each piece its stream, its offset and its text."""
    return [(one.stream.value, one.offset, one.text) for one in found]


async def test_what_is_printed_is_told_within_about_a_second_and_once() -> None:
    async with alive(new_world()) as world:
        out, err = Printer(), Printer(ERR)
        await begun(world, 1, out, err)
        out.waiting.append("häh\n")
        await world.pass_time(OUTPUT_INTERVAL_S)
        err.waiting.append("oh")
        out.waiting.append("more")
        await world.pass_time(OUTPUT_INTERVAL_S + 0.2)
        found = await pieces(world)
        assert shown(found) == [("stdout", 0, "häh\n"), ("stdout", 5, "more"), ("stderr", 0, "oh")]
        (first, *_) = found
        assert (first.execution_id, first.attempt, first.worker_id, first.truncated) == (execution(1), 1, ME, False)
        await world.pass_time(5)
        assert len(await pieces(world)) == 3


async def test_a_run_that_prints_nothing_or_ends_at_once_costs_no_record() -> None:
    async with alive(new_world()) as world:
        quick = Printer(waiting=["all of it"])
        await begun(world, 2, quick)
        await begun(world, 1, Printer())
        await world.pass_time(OUTPUT_INTERVAL_S / 2)
        world.runner.finish(2, Outcome(result={"stdout": "all of it"}))
        await world.pass_time(3)
        assert await pieces(world) == []
        assert quick.waiting == ["all of it"]


async def test_the_end_of_a_run_that_was_told_of_is_told_from_what_it_reports() -> None:
    async with alive(new_world()) as world:
        await begun(world, 1, Printer(waiting=["one\n"]), Printer(ERR))
        await world.pass_time(OUTPUT_INTERVAL_S + 0.2)
        outcome = failed(ErrorType.USER_ERROR, "EXIT_STATUS", "no")
        world.runner.finish(1, Outcome(outcome.failure, {"stdout": "one\ntwo\n", "stderr": "not told of"}))
        await world.pass_time(0.2)
        assert shown(await pieces(world)) == [("stdout", 0, "one\n"), ("stdout", 4, "two\n")]
        assert isinstance((await world.reports())[-1], FailureReported)


async def test_that_nothing_more_is_kept_is_told() -> None:
    async with alive(new_world()) as world:
        await begun(world, 1, Printer(waiting=["12345"], is_cut=True))
        await world.pass_time(OUTPUT_INTERVAL_S + 0.2)
        assert [one.truncated for one in await pieces(world)] == [True]


async def test_what_the_log_does_not_take_leaves_a_gap_and_holds_up_neither_run_nor_report() -> None:
    async with alive(new_world()) as world:
        world.log.refused_topic = OUTPUT.name
        patient, done = Printer(waiting=["lost"]), Printer(waiting=["lost"])
        await begun(world, 1, patient)
        await begun(world, 2, done)
        await world.pass_time(OUTPUT_INTERVAL_S + 0.2)
        world.runner.finish(2, Outcome(result={"stdout": "lost\n"}))
        await world.pass_time(0.1)
        assert isinstance((await world.reports())[-1], SuccessReported)
        world.log.refused_topic = None
        patient.waiting.append("kept")
        await world.pass_time(OUTPUT_REST_S + 0.2)
        found = [one for one in await pieces(world) if one.execution_id == execution(1)]
        assert shown(found) == [("stdout", 4, "kept")]


async def test_reports_that_the_log_does_not_take_hold_up_no_output() -> None:
    async with alive(new_world()) as world:
        await begun(world, 1, Printer(waiting=["one\n"]))
        world.log.refused_topic = RESULTS.name
        await world.pass_time(OUTPUT_INTERVAL_S + 0.2)
        assert shown(await pieces(world)) == [("stdout", 0, "one\n")]
        world.log.refused_topic = None


async def test_one_append_holds_so_much_and_the_others_have_their_turn_right_after() -> None:
    count = 2 * OUTPUT_BATCH_BYTES_MAX // OUTPUT_BYTES_MAX
    async with alive(new_world()) as world:
        for n in range(count):
            await begun(world, n, Printer(waiting=["x" * OUTPUT_BYTES_MAX]))
        await world.pass_time(OUTPUT_INTERVAL_S + 0.5)
        found = await pieces(world)
        assert {one.execution_id for one in found} == {execution(n) for n in range(count)}
        assert [[one.at for one in found].count(at) for at in sorted({one.at for one in found})] == [count // 2] * 2


async def test_nothing_is_told_of_a_run_once_it_is_over() -> None:
    async with alive(new_world()) as world:
        printer = Printer(waiting=["one"])
        await begun(world, 1, printer)
        await world.pass_time(OUTPUT_INTERVAL_S + 0.2)
        world.runner.finish(1, Outcome(result={"stdout": "one"}))
        printer.waiting.append("of the next run")
        await world.pass_time(3)
        assert shown(await pieces(world)) == [("stdout", 0, "one")]


async def test_a_worker_that_is_told_to_stop_does_not_wait_for_what_its_runs_print() -> None:
    async with alive(new_world(drain_grace_s=0.1)) as world:
        await begun(world, 1, Printer(waiting=["one"]))
        world.stop.set()
        await world.pass_time(OUTPUT_INTERVAL_S / 2)
        assert world.running is not None
        assert world.running.done()
