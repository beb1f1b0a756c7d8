"""S4, S5, S22: one writer at a time, positions that only rise, and every poisoned record told once by each reader."""

from collections import Counter
from collections.abc import Iterator

from schemas.topics import CONTROL, JOBS, TASKS, WORKERS
from tests.sim.history import History
from tests.sim.nemesis import READERS


def one_writer_at_a_time(history: History) -> Iterator[str]:
    """S4: in the order of the log, the epochs of a role and partition never fall, and each has one writer."""
    last: dict[tuple[str, int], int] = {}
    writers: dict[tuple[str, int, int], str] = {}
    for commit in history.commits:
        key = (commit.role, commit.partition)
        if commit.epoch < last.get(key, 0):
            yield f"{key}: {commit.process} wrote under epoch {commit.epoch} after {last[key]}, at {commit.at:.3f} s"
        last[key] = max(last.get(key, 0), commit.epoch)
        writer = writers.setdefault((*key, commit.epoch), commit.process)
        if writer != commit.process:
            yield f"{key}: {commit.process} and {writer} wrote under epoch {commit.epoch}"


def positions_never_go_back(history: History) -> Iterator[str]:
    """S5: an owner's checkpoints say that it goes on where the last one stood, and its watermark never falls."""
    reached: dict[tuple[str, int, str], int] = {}
    watermarks: dict[int, float] = {}
    for fact in history.checkpoints:
        checkpoint = fact.message
        for topic, position in checkpoint.positions.items():
            key = (checkpoint.role, checkpoint.partition, topic)
            if position < reached.get(key, 0):
                yield f"{key}: position {position} after {reached[key]}, at {fact.at_s:.3f} s"
            reached[key] = position
        if checkpoint.watermark is not None:
            watermark = checkpoint.watermark.timestamp()
            if watermark < watermarks.get(checkpoint.partition, 0.0):
                yield f"the watermark of partition {checkpoint.partition} fell at {fact.at_s:.3f} s"
            watermarks[checkpoint.partition] = watermark


def poison_is_told_once(history: History) -> Iterator[str]:
    """S22: whoever reads a record that cannot be understood tells so once, and goes on.

    An append that arrives after it was given up may repeat what its successor told; workers each tell by themselves.
    """
    may_repeat = {TASKS.name, CONTROL.name} | ({JOBS.name, WORKERS.name} if history.plan.has("late_append") else set())
    letters = Counter(
        (letter.message.topic, letter.message.partition, letter.message.offset, letter.message.refused_by)
        for letter in history.letters
    )
    for key, count in letters.items():
        if count > 1 and key[0] not in may_repeat:
            yield f"{count} letters about {key}"
    for place, records in history.records.items():
        reader = READERS.get(place.topic)
        for record in records:
            if reader and record.value in history.poisoned and not letters[(*place, record.offset, reader)]:
                yield f"no letter of {reader} about {place.topic}/{place.partition}/{record.offset}"
