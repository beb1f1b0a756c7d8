"""Nobody is served more often than the limits say, and everybody is told what is left."""

from hypothesis import given
from hypothesis import strategies as st

from horolog.adapters.local_rates import KEPT_COUNT_MAX, LocalRates
from horolog.domain.rates import Demand, Rate, grant
from services.api.rates import NOBODY_COUNT, RateLimits
from tests.unit.api.world import THEIR_TOKEN, open_world

WIDE = Rate(1000, 100_000)
OF_TENANT = RateLimits(tenant=Rate(1, 3), caller=WIDE, address=WIDE)
OF_CALLER = RateLimits(tenant=WIDE, caller=Rate(1, 3), address=WIDE)
OF_ADDRESS = RateLimits(tenant=WIDE, caller=WIDE, address=Rate(1, 10))


@given(per_s=st.floats(0.1, 100), burst=st.integers(1, 50), gaps=st.lists(st.floats(0, 3), min_size=1, max_size=80))
def test_in_no_span_of_time_more_is_granted_than_the_rate_allows(per_s: float, burst: int, gaps: list[float]) -> None:
    rate, now, full_at, granted = Rate(per_s, burst), 0.0, 0.0, list[float]()
    for gap in gaps:
        now += gap
        said = grant(Demand("key", rate), max(0.0, full_at - now))
        if said.allowed:
            full_at = now + said.full_in_s
            granted.append(now)
    for i, begin in enumerate(granted):
        for count, end in enumerate(granted[i:], 1):
            assert count <= burst + per_s * (end - begin) + 0.01


@given(per_s=st.floats(0.1, 100), burst=st.integers(1, 50), lag_share=st.floats(0, 1))
def test_what_is_refused_is_granted_after_the_time_that_was_named(per_s: float, burst: int, lag_share: float) -> None:
    rate = Rate(per_s, burst)
    lag_s = rate.lag_s_max * lag_share
    said = grant(Demand("key", rate), lag_s)
    assert said.allowed or grant(Demand("key", rate), lag_s - said.retry_in_s).allowed


async def test_one_bucket_that_is_empty_spares_the_others() -> None:
    time = [0.0]
    rates = LocalRates(lambda: time[0])
    narrow, broad = Demand("narrow", Rate(1, 1)), Demand("broad", Rate(1, 2))
    assert all(said.allowed for said in await rates.take([narrow, broad]))
    assert [said.allowed for said in await rates.take([narrow, broad])] == [False, True]
    assert all(said.allowed for said in await rates.take([broad]))


async def test_no_more_buckets_are_kept_than_there_is_room_for() -> None:
    rates = LocalRates(lambda: 0.0)
    for number in range(KEPT_COUNT_MAX + 10):
        await rates.take([Demand(f"address:{number}", Rate(1, 1))])
    assert (await rates.take([Demand("address:0", Rate(1, 1))]))[0].allowed
    assert not (await rates.take([Demand(f"address:{KEPT_COUNT_MAX}", Rate(1, 1))]))[0].allowed


async def test_a_tenant_beyond_its_limit_is_told_when_to_come_again_and_no_other_tenant_notices() -> None:
    async with open_world(limits=OF_TENANT) as world:
        left = [(await world.ask("GET", "/jobs")).headers["ratelimit-remaining"] for _ in range(3)]
        refused = await world.ask("GET", "/jobs")
        others = await world.ask("GET", "/jobs", token=THEIR_TOKEN)
        await world.clock.sleep(float(refused.headers["retry-after"]))
        again = await world.ask("GET", "/jobs")
    assert left == ["2", "1", "0"]
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert refused.headers["ratelimit-limit"] == "3"
    assert (others.status_code, again.status_code) == (200, 200)


async def test_a_change_beyond_the_limit_is_not_made() -> None:
    async with open_world(limits=OF_CALLER) as world:
        for _ in range(3):
            await world.ask("GET", "/jobs")
        refused = await world.ask("POST", "/jobs", {"name": "anything"})
        assert refused.status_code == 429
        assert world.log.records == []


async def test_guessing_tokens_is_soon_refused_by_the_address_whatever_token_is_tried() -> None:
    async with open_world(limits=OF_ADDRESS) as world:
        guesses = [(await world.ask("GET", "/jobs", token=f"guess-{n}-0123456789")).status_code for n in range(3)]
        right = await world.ask("GET", "/jobs")
    assert guesses == [401] * (10 // NOBODY_COUNT) + [429]
    assert right.status_code == 429


async def test_guessing_service_tokens_is_refused_as_well_while_services_are_not_limited() -> None:
    wrong = {"X-Service-Token": "guess-0123456789"}
    async with open_world(limits=OF_ADDRESS) as world:
        guesses = [(await world.ask("GET", "/internal/stats", headers=wrong)).status_code for _ in range(3)]
        right = [(await world.ask("GET", "/internal/health")).status_code for _ in range(20)]
        healthy = [(await world.client.get("/health")).status_code for _ in range(20)]
    assert guesses == [401, 401, 429]
    assert set(right + healthy) == {200}
