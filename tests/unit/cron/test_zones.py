"""A sample of `zones`: every zone, around a change of its clock and elsewhere, against the walker."""

from horolog.domain.cron import zone_names
from tests.unit.cron.zones import BEGIN_S, END_S, look_at_all, look_at_sample, transitions_of, unknown_transitions

SEED = 20_240


def test_every_zone_agrees_with_the_walker_in_a_sample_of_ten_years() -> None:
    figures = look_at_sample(sorted(zone_names()), SEED)
    assert figures.mismatches == []
    assert figures.zone_count >= 400
    assert figures.transition_count >= 150
    assert figures.instant_count >= 20_000


def test_a_zone_that_skips_two_hours_agrees_around_every_transition_in_the_whole_width() -> None:
    figures = look_at_all(["Antarctica/Troll"], SEED)
    assert figures.mismatches == []
    assert figures.transition_count == 20


def test_a_transition_that_only_one_side_knows_is_a_mismatch() -> None:
    transitions = transitions_of("Europe/Berlin")
    assert len(transitions) == 20
    assert all(BEGIN_S < moment < END_S and abs(shift_s) == 3600 for moment, shift_s in transitions)
    assert unknown_transitions("Europe/Berlin", transitions) == []
    assert len(unknown_transitions("Europe/Berlin", transitions[1:])) == 1
