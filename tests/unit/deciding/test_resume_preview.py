"""What the preview of a resume says is what the dispatcher and the ticker then do."""

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.domain.catching_up import Outlook, look_ahead
from horolog.limits import MISFIRE_GRACE_S
from schemas.base import Message
from schemas.commands import PauseJob, ResumeJob
from schemas.events.executions import ExecutionAdmitted
from schemas.events.fires import FireDue, FireMissed
from schemas.events.jobs import JobTabled
from schemas.jobs import Job
from services.ticker.partition import TickerPartition
from tests.unit.deciding.kit import HOME, Dispatching, at, command, messages, record, uuid_of

GRACE_S = int(MISFIRE_GRACE_S)
SHOWN_MAX = 100_000

crons = st.sampled_from(["*/7 * * * * *", "0 * * * * *", "30 */3 * * * *", "* * * * * *", "0 0 * * * *"])
misfires = st.fixed_dictionaries(
    {"policy": st.sampled_from(["skip", "latest", "all"])},
    optional={"maxAge": st.integers(1, 4000), "maxCount": st.integers(1, 30), "rate": st.sampled_from([0.5, 3, 10])},
)
dates = st.fixed_dictionaries(
    {}, optional={"startDate": st.integers(-60, 900).map(at), "endDate": st.floats(901, 4000).map(at)}
)


class Paused:
    """A job that was paused after a while, its dispatcher, and the ticker that has seen all of it."""

    def __init__(self, pause_s: float, **changes: Any) -> None:
        self.dispatcher, self.ticker = Dispatching(), TickerPartition(HOME, None)
        self.job_id = self.dispatcher.create(**changes)
        self.tick(self.book_job(), 0.5)
        paused = self.dispatcher.turn(pause_s, command(PauseJob, 2, job_id=self.job_id))
        (table,) = [m for m in paused if isinstance(m, JobTabled)]
        self.tick(table.job, pause_s)

    def book_job(self) -> Job:
        job = self.dispatcher.partition.book.jobs.get(self.job_id)
        assert job is not None
        return job

    def tick(self, job: Job, seconds: float) -> list[Message]:
        """All that the ticker writes at this time, once it knows of the job's version."""
        written, news = list[Message](), [record(JobTabled(tenant_id=job.tenant_id, job=job))]
        while True:
            turn = self.ticker.turn(news, at(seconds))
            written, news = written + messages(turn.outputs), []
            if turn.watermark is None or turn.watermark >= at(seconds):
                return written

    def resume(self, seconds: float, catch_up: bool) -> list[Message]:
        self.dispatcher.turn(seconds, command(ResumeJob, 3, job_id=self.job_id, catch_up=catch_up))
        return self.tick(self.book_job(), seconds)

    def preview(self, seconds: float, catch_up: bool, shown_max: int = SHOWN_MAX) -> Outlook:
        return look_ahead(self.book_job(), at(seconds), catch_up, GRACE_S, shown_max)


def instants(written: list[Message], seconds: float, is_late: bool) -> list[datetime]:
    dues = [m for m in written if isinstance(m, FireDue) and m.catch_up is is_late]
    return [due.scheduled_for for due in dues if due.scheduled_for <= at(seconds)]


@settings(max_examples=300, deadline=None)
@given(crons, misfires, dates, st.floats(1, 700), st.floats(1, 5000), st.booleans())
def test_preview_tells_exactly_what_a_resume_makes_the_ticker_emit(
    cron: str, misfire: dict[str, Any], limits: dict[str, Any], pause_s: float, gap_s: float, catch_up: bool
) -> None:
    paused, now_s = Paused(pause_s, cron_expression=cron, misfire=misfire, **limits), pause_s + gap_s
    told, written = paused.preview(now_s, catch_up), paused.resume(now_s, catch_up)
    assert [fire.at for fire in told.late] == instants(written, now_s, is_late=True)
    assert told.late_count == len(told.late)
    assert told.prompt_count == len(instants(written, now_s, is_late=False))
    ranges = [(m.first, m.last, m.count) for m in written if isinstance(m, FireMissed)]
    is_missed = [(told.missed_from, told.missed_until, told.missed_count)] if told.missed_count else []
    assert is_missed == ranges
    assert told.in_force_from == paused.book_job().effective_from


def test_last_of_those_that_fire_late_begins_when_the_preview_says() -> None:
    misfire = {"policy": "all", "maxCount": 5, "rate": 4}
    paused = Paused(30, cron_expression="0 * * * * *", misfire=misfire)
    told, dues = paused.preview(1000, catch_up=True), paused.resume(1000, catch_up=True)
    written = paused.dispatcher.turn(1000, *(m for m in dues if isinstance(m, FireDue)))
    turns = [m.not_before for m in written if isinstance(m, ExecutionAdmitted) and m.catch_up]
    assert turns == [at(1000 + number / 4) for number in range(5)]
    assert (told.late_until, told.rate, told.late_count) == (turns[-1], 4, 5)


def test_without_catch_up_nothing_is_made_up_for() -> None:
    told = Paused(30, cron_expression="0 * * * * *", misfire={"policy": "all"}).preview(1000, catch_up=False)
    assert told == Outlook(at(1000))


def test_list_is_bounded_and_the_counts_are_not() -> None:
    misfire = {"policy": "all", "maxCount": 10_000, "maxAge": 604_800}
    told = Paused(30, misfire=misfire).preview(20_000, catch_up=True, shown_max=100)
    assert (len(told.late), told.late_count, told.late[0].at) == (100, 10_000, at(9940))
    assert told.instant_count == 20_000 - 31


def test_decades_of_seconds_are_told_without_being_looked_at_one_by_one() -> None:
    """Sixty years hold two thousand million instants; the test's own deadline could not be kept by listing them."""
    misfire = {"policy": "all", "maxCount": 3, "maxAge": 604_800}
    years_s = 60 * 366 * 86_400
    told = Paused(30, misfire=misfire, timezone="Europe/Vienna").preview(years_s, catch_up=True)
    assert told.instant_count == years_s - 31
    assert (told.late_count, told.missed_until, told.prompt_count) == (3, at(years_s - 64), GRACE_S + 1)


def test_zone_that_was_withdrawn_owes_nothing() -> None:
    paused = Paused(30, cron_expression="0 * * * * *")
    odd = paused.book_job().definition.model_copy(update={"timezone": "Mars/Olympus"})
    job = paused.book_job().model_copy(update={"definition": odd})
    assert look_ahead(job, at(1000), True, GRACE_S, 9).instant_count == 0
    assert paused.job_id == uuid_of(1)
