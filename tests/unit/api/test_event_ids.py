"""The id of an event leads its own tenant back, and nobody else anywhere."""

import pytest

from services.api.streams.spots import LENGTH, ForeignId, Spot, id_of, is_before, later, moved, spot_of
from tests.unit.api.world import OURS, THEIRS

SPOT: Spot = (3, 2**40, 0, 7)


def test_an_id_leads_back_to_its_spot() -> None:
    id_ = id_of(SPOT, OURS, 16)
    assert spot_of(id_, OURS, 16) == SPOT
    assert (len(id_), id_.isascii(), id_.isprintable()) == (LENGTH, True, True)


@pytest.mark.parametrize(("tenant", "partitions"), [(THEIRS, 16), (OURS, 8)])
def test_an_id_of_another_tenant_or_another_log_is_foreign(tenant: str, partitions: int) -> None:
    with pytest.raises(ForeignId):
        spot_of(id_of(SPOT, OURS, 16), tenant, partitions)


def test_an_id_with_any_letter_wrong_is_foreign() -> None:
    id_ = id_of(SPOT, OURS, 16)
    for place, letter in enumerate(id_):
        wrong = id_[:place] + ("B" if letter == "A" else "A") + id_[place + 1 :]
        with pytest.raises(ForeignId):
            spot_of(wrong, OURS, 16)


@pytest.mark.parametrize("text", ["", "x", "A" * LENGTH, "=" * LENGTH, "ü" * LENGTH, "A" * (LENGTH - 1), "A" * 1000])
def test_what_is_no_id_is_foreign(text: str) -> None:
    with pytest.raises(ForeignId):
        spot_of(text, OURS, 16)


def test_a_negative_position_is_in_no_id() -> None:
    with pytest.raises(ForeignId):
        spot_of(id_of((-1, 0, 0, 0), OURS, 16), OURS, 16)


def test_spots_are_compared_topic_by_topic() -> None:
    assert later((1, 5, 0, 0), (2, 3, 0, 0)) == (2, 5, 0, 0)
    assert is_before((1, 5, 0, 0), (2, 3, 0, 0))
    assert not is_before((2, 5, 0, 0), (2, 3, 0, 0))
    assert moved((1, 2, 3, 4), 2, 9) == (1, 2, 9, 4)
