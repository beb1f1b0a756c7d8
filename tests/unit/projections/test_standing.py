"""How far a projector's share is behind: what waits, what is being applied, and for how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from horolog.log.port import Place, Record
from projections.standing import Standings

HERE, ALSO_HERE, THERE = Place("jobs.v1", 1), Place("executions.v1", 1), Place("jobs.v1", 2)
PLACES = (HERE, ALSO_HERE, THERE)


@dataclass
class Lagging:
    """A reader that is behind by so many positions of each place, and reads nothing."""

    lags: dict[Place, int] = field(default_factory=dict)

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Nothing is read."""

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        return ()

    def is_behind(self, place: Place) -> bool:
        return self.lag(place) > 0

    def lag(self, place: Place) -> int:
        return self.lags.get(place, 0)

    def pause(self, places: frozenset[Place]) -> None:
        """Nothing is read."""

    async def close(self) -> None:
        """Nothing is open."""


def batch(*at_s: float) -> list[Record]:
    """Records of the first place, written then."""
    return [Record(*HERE, number, b"", b"", (), int(at * 1000)) for number, at in enumerate(at_s)]


def told(standings: Standings, now_s: float) -> dict[int, tuple[int, float]]:
    """By partition, how many records wait and how old the oldest is."""
    return {s.partition: (s.lag_record_count, s.lag_s) for s in standings.told(now_s)}


def begun(reader: Lagging) -> Standings:
    """Standings of a share that has been looked at once, at second 100."""
    standings = Standings()
    standings.begin(PLACES, 100)
    standings.look(reader, 100)
    return standings


def test_who_has_applied_all_is_not_behind() -> None:
    assert told(begun(Lagging()), 160) == {1: (0, 0), 2: (0, 0)}


def test_what_waits_in_all_places_of_a_partition_is_added_up_and_as_old_as_what_was_applied_last() -> None:
    reader = Lagging()
    standings = begun(reader)
    reader.lags = {HERE: 3, ALSO_HERE: 4}
    standings.in_hand = batch(61, 62)
    standings.look(reader, 102)
    assert told(standings, 102) == {1: (7, 40), 2: (0, 0)}


def test_batch_that_is_being_applied_still_waits() -> None:
    reader = Lagging()
    standings = begun(reader)
    standings.in_hand = batch(100, 101)
    assert told(standings, 130) == {1: (2, 30), 2: (0, 0)}
    standings.look(reader, 131)
    assert told(standings, 131) == {1: (0, 0), 2: (0, 0)}


def test_while_nothing_is_read_everything_counts_as_behind_since_then() -> None:
    reader = Lagging()
    standings = begun(reader)
    standings.end()
    assert told(standings, 150) == {1: (1, 50), 2: (1, 50)}
    standings.begin((HERE,), 160)
    reader.lags = {HERE: 9}
    standings.look(reader, 160)
    assert told(standings, 161) == {1: (9, 61)}


def test_share_is_looked_at_once_a_second_at_most() -> None:
    reader = Lagging()
    standings = begun(reader)
    reader.lags = {THERE: 5}
    standings.look(reader, 100.9)
    assert told(standings, 100.9)[2] == (0, 0)
    standings.look(reader, 101)
    assert told(standings, 101)[2][0] == 5
