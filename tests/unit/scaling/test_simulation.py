"""Tenants drawn by the model are as uneven as it says, and what follows for partitions is what they add up to."""

import math
from uuid import NAMESPACE_URL, uuid5

import pytest

from bench.scaling.costs import owner_rate
from bench.scaling.scale import ASKED, BILLION, Scale
from bench.scaling.simulation import (
    ALIKE,
    UNEVEN,
    VERY_UNEVEN,
    Skew,
    crowd_s,
    fifth_of,
    limits,
    partition_loads,
    weights,
)
from schemas.topics import partition_of

TENANT_COUNT = 2000


@pytest.mark.parametrize("skew", [ALIKE, UNEVEN, VERY_UNEVEN], ids=str)
def test_a_draw_is_all_there_is_and_always_the_same(skew: Skew) -> None:
    drawn = weights(skew, TENANT_COUNT, draw=3)
    assert math.isclose(sum(drawn), 1.0)
    assert drawn == weights(skew, TENANT_COUNT, draw=3)
    assert (drawn == weights(skew, TENANT_COUNT, draw=4)) == (skew is ALIKE)


@pytest.mark.parametrize(("skew", "share"), [(ALIKE, 0.2), (UNEVEN, 0.5), (VERY_UNEVEN, 0.8)], ids=str)
def test_the_largest_fifth_has_what_the_distribution_gives_it_or_a_little_less(skew: Skew, share: float) -> None:
    drawn = sorted(fifth_of(weights(skew, TENANT_COUNT, draw)) for draw in range(9))
    assert share - 0.15 < drawn[4] <= share + 0.01


def test_partitions_share_out_what_there_is_and_none_of_it_twice() -> None:
    for count in (1, 16, 64):
        loads = partition_loads(weights(VERY_UNEVEN, TENANT_COUNT, 0), count)
        assert len(loads) == count
        assert math.isclose(sum(loads), 1.0)


def test_tenants_are_where_the_product_puts_them() -> None:
    home = partition_of(str(uuid5(NAMESPACE_URL, "tenant 0")), 16)
    assert partition_loads([1.0], 16)[home] == 1.0


def test_a_crowd_is_decided_before_the_next_one_unless_more_comes_than_one_decides() -> None:
    assert crowd_s(10, capacity=100, share=0.5) == pytest.approx(300 / 95)
    assert crowd_s(99.9, capacity=100, share=0.5) == pytest.approx(60, rel=0.01)
    assert crowd_s(100, capacity=100, share=0.5) == math.inf
    assert crowd_s(0) == 0


def test_limits_are_told_in_the_order_in_which_they_are_reached() -> None:
    found = limits(BILLION)
    assert [limit for _, limit in found] == sorted(limit for _, limit in found)
    assert len({name for name, _ in found}) == len(found) == 7


def test_more_partitions_move_the_limits_of_owners_and_no_others() -> None:
    few, many = (dict(limits(Scale(1000, 1_000_000, count, 100))) for count in (4, 256))
    moved = {name for name in few if few[name] != many[name]}
    assert moved == {name for name in few if "partition" in name}
    assert all(few[name] < many[name] for name in moved)


def test_what_was_asked_for_reaches_none_of_them() -> None:
    assert min(limit for _, limit in limits(ASKED)) > ASKED.executions_per_day
    assert ASKED.peak < owner_rate()
