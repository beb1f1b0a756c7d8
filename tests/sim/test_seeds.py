"""Every run of the simulation keeps every promise, and the same seed is the same run."""

import pytest

from tests.sim.campaign import result_of, results_of, total

SEEDS = range(200)
RUN_S_MAX = 1200


@pytest.mark.slow
@pytest.mark.timeout(RUN_S_MAX)
def test_two_hundred_seeds_keep_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    results = list(results_of(SEEDS))
    counts = total(results)
    with capsys.disabled():
        print(f"simulation: {len(results)} seeds, {counts['executions']} executions, {counts['takeover']} takeovers")
    assert [f"make sim SEED={r.seed}: {r.breaches[0]}" for r in results if not r.is_good] == []
    assert counts["virtual seconds"] > 60 * len(results)


def test_the_same_seed_is_the_same_run_to_the_last_byte() -> None:
    assert result_of(5).fingerprint == result_of(5).fingerprint


def test_another_seed_is_another_run() -> None:
    assert result_of(5).fingerprint != result_of(6).fingerprint
