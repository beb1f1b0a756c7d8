"""Tenants share the workers by their weights, and one tenant's crowd is no delay for another's fires."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.domain.fairness import FairQueue
from tests.unit.deciding.kit import START

weights = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 20), min_size=2)


def crowded(shares: dict[str, int], count: int) -> FairQueue:
    """A queue in which as many names of each tenant wait."""
    queue = FairQueue(shares.__getitem__)
    for tenant in shares:
        for number in range(count):
            queue.push(f"{tenant}{number}", tenant, 0, START)
    return queue


@given(weights, st.integers(1, 100))
def test_while_all_wait_each_is_served_by_its_weight_to_within_one_turn_of_each(
    shares: dict[str, int], turns: int
) -> None:
    queue = crowded(shares, turns)
    served = Counter(str(queue.pop())[0] for _ in range(turns))
    for one, share in shares.items():
        for other, other_share in shares.items():
            lead = served[one] / share - served[other] / other_share
            assert lead <= 1 / share + 1 / other_share + 1e-6


@given(weights)
def test_one_that_comes_late_has_saved_up_no_turns(shares: dict[str, int]) -> None:
    queue = FairQueue({**shares, "z": 1}.__getitem__)
    for tenant in shares:
        for number in range(300):
            queue.push(f"{tenant}{number}", tenant, 0, START)
    for _ in range(40):
        queue.pop()
    for number in range(50):
        queue.push(f"z{number}", "z", 0, START)
    others = sum(shares.values())
    served = [str(queue.pop())[0] for _ in range(others + len(shares) + 2)]
    assert 1 <= served.count("z") <= 3


@given(st.lists(st.tuples(st.sampled_from(["push", "pop"]), st.sampled_from("abc")), max_size=60))
def test_no_tenant_of_the_same_weight_is_served_twice_in_a_row_while_another_waits(
    deeds: list[tuple[str, str]],
) -> None:
    queue, waiting = FairQueue(), Counter[str]()
    passed_over: dict[str, Counter[str]] = {}
    for number, (deed, tenant) in enumerate(deeds):
        if deed == "push":
            queue.push(f"{tenant}{number}", tenant, 0, START)
            waiting[tenant] += 1
            passed_over.setdefault(tenant, Counter())
        elif (name := queue.pop()) is not None:
            waiting[name[0]] -= 1
            passed_over.pop(name[0])
            for others in passed_over.values():
                others[name[0]] += 1
                assert others[name[0]] <= 1
            if waiting[name[0]]:
                passed_over[name[0]] = Counter()


@settings(max_examples=50)
@given(weights, st.data())
def test_whoever_may_not_be_served_stands_in_nobodys_way_and_keeps_its_place(
    shares: dict[str, int], data: st.DataObject
) -> None:
    closed = data.draw(st.sampled_from(sorted(shares)))
    shut = {closed}
    queue = FairQueue(shares.__getitem__, lambda tenant: tenant not in shut)
    for tenant in shares:
        for number in range(5):
            queue.push(f"{tenant}{number}", tenant, 0, START)
    served = []
    while (name := queue.pop()) is not None:
        served.append(name)
    assert sorted(served) == sorted(f"{tenant}{n}" for tenant in shares if tenant != closed for n in range(5))
    assert not queue.has_turns
    shut.clear()
    queue.reopen(closed)
    assert [queue.pop() for _ in range(5)] == [f"{closed}{n}" for n in range(5)]


def crowd_of_strangers(queue: FairQueue) -> None:
    """Many tenants come, one after the other, and each is served."""
    for number in range(10_000):
        queue.push(f"name {number}", f"tenant {number}", 0, START)
        while queue.pop() is not None:
            pass


def test_of_tenants_that_came_one_after_the_other_nothing_is_remembered_once_nobody_waits() -> None:
    queue = FairQueue()
    crowd_of_strangers(queue)
    assert queue.remembered_count == 0


def test_one_that_may_not_be_served_keeps_nothing_of_others_remembered() -> None:
    queue = FairQueue(is_open=lambda tenant_id: tenant_id != "closed")
    queue.push("held up", "closed", 0, START)
    crowd_of_strangers(queue)
    assert queue.remembered_count < 10
    assert "held up" in queue


def test_names_that_were_removed_behind_one_that_waits_take_no_room() -> None:
    queue = FairQueue()
    queue.push("first", "a", 9, START)
    for number in range(10_000):
        queue.push(f"name {number}", "a", 0, START)
        queue.remove(f"name {number}")
    assert queue.remembered_count < 200
    assert [queue.pop(), queue.pop()] == ["first", None]


def test_closed_tenants_whose_names_were_all_removed_are_forgotten() -> None:
    queue = FairQueue(is_open=lambda _: False)
    for number in range(10_000):
        queue.push(f"name {number}", f"tenant {number}", 0, START)
        assert queue.pop() is None
        queue.remove(f"name {number}")
    assert queue.remembered_count < 400


def test_one_that_was_closed_is_served_in_its_turn_once_it_is_open_again() -> None:
    open_tenants = {"a"}
    queue = FairQueue(is_open=open_tenants.__contains__)
    for tenant in "ab":
        for number in range(20):
            queue.push(f"{tenant}{number}", tenant, 0, START)
    assert {str(queue.pop())[0] for _ in range(10)} == {"a"}
    open_tenants.add("b")
    queue.reopen("b")
    served = [str(queue.pop())[0] for _ in range(10)]
    assert served.count("a") == served.count("b") == 5
