"""The page on scaling quotes what its arithmetic prints, and that goes by figures that were measured."""

from __future__ import annotations

import re

import pytest

from bench.lives import BATCH_HEAD_BYTES, life, stored_bytes
from bench.scaling import arithmetic, costs, simulation
from bench.scaling.arithmetic import commits_per_second, largest_share
from bench.scaling.costs import CPU_MS
from bench.scaling.scale import ASKED, BILLION, HUNDREDFOLD, Scale
from schemas.topics import partition_of
from tests.tidy.tree import ROOT

PAGE = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_page_quotes_what_arithmetic_and_simulation_print() -> None:
    quoted = [block.splitlines() for block in re.findall(r"```\n(.*?)\n```", PAGE, re.DOTALL)]
    printed = [[line.rstrip() for line in report()] for report in (arithmetic.report, simulation.report)]
    assert quoted == printed, "run: python -m bench.scaling"


def test_costs_are_those_that_were_measured() -> None:
    text = " ".join(MEASURED.split())
    parts = [f"dispatcher {CPU_MS['dispatcher']:.2f}", f"executor {CPU_MS['executor']:.2f}"]
    parts += [f"its functions {CPU_MS['functions']:.2f}", f"projections {CPU_MS['projections']:.2f}"]
    parts += [f"{name} {CPU_MS[name]:.2f}" for name in ("Kafka", "PostgreSQL", "ticker")]
    assert [part for part in parts if part not in text] == []
    assert f"| worker: HTTP request | {costs.HTTP_MS:.2f} ms" in text
    assert f"client alone | {costs.COMMIT_MS * 1000:,.0f} /" in text
    assert f"{costs.DISPATCHER_MB} MB dispatcher" in text
    assert f"{costs.DISPATCHER_JOBS_MB} MB dispatcher" in text
    assert f"| {costs.JOB_READ_US} / {costs.FACT_READ_US} µs" in text
    row, index, wal = (f"{n:,}" for n in (costs.ROW_BYTES, costs.ROW_INDEX_BYTES, costs.ROW_WAL_BYTES))
    assert f"| {row} / {index} / {wal} bytes" in text


def test_an_execution_is_eight_records_on_four_topics() -> None:
    topics = [record.topic for record in life()]
    assert {topic: topics.count(topic) for topic in set(topics)} == {
        "fires.v1": 1,
        "executions.v1": 4,
        "tasks.v1": 1,
        "results.v1": 2,
    }


def test_stored_bytes_are_those_of_a_record_batch() -> None:
    from aiokafka.record.default_records import DefaultRecordBatchBuilder

    for record in life():
        builder = DefaultRecordBatchBuilder(
            magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0,
            batch_size=1 << 20,
        )  # fmt: skip
        builder.append(0, 0, record.key, record.value, list(record.headers))
        assert len(builder.build()) == BATCH_HEAD_BYTES + stored_bytes(record)


@pytest.mark.parametrize(("weights", "share"), [([1.0, 1.0, 1.0], None), ([10.0, 1.0, 1.0], 10 / 12)])
def test_largest_share_is_at_least_that_of_the_largest_tenant(weights: list[float], share: float | None) -> None:
    tenants = ["a", "b", "c"]
    found = largest_share(tenants, weights, 1024)
    apart = len({partition_of(tenant, 1024) for tenant in tenants}) == len(tenants)
    assert apart
    assert found == pytest.approx(share or 1 / 3)


def test_commits_are_bounded_by_turns_and_by_inputs() -> None:
    assert commits_per_second(10, 16) == 30
    assert commits_per_second(1e6, 16) == 1600


def test_scales_are_those_of_the_page() -> None:
    assert HUNDREDFOLD.executions_per_day == 100 * ASKED.executions_per_day
    assert (ASKED.tenant_count, ASKED.executions_per_day) == (100, 1_000_000)
    assert (BILLION.tenant_count, round(BILLION.mean)) == (10_000, 11_574)
    assert Scale(1, 86_400, 1, 1).mean == 1.0
