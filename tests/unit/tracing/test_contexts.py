"""What traces and spans are called, and which are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.domain.tracing import TraceContext, child, code_of_ours, own_trace, trace_context, trace_of_execution

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
EXECUTION = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("flags", "is_sampled", "told"), [("00", False, "00"), ("01", True, "01"), ("03", True, "01"), ("fe", False, "00")]
)
def test_header_is_read_and_written(flags: str, is_sampled: bool, told: str) -> None:
    context = trace_context(f"00-{TRACE}-{SPAN}-{flags}")
    assert context == TraceContext(TRACE, SPAN, is_sampled)
    assert str(context) == f"00-{TRACE}-{SPAN}-{told}"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x" * 4000,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-01-more",
    ],
)
def test_what_is_no_header_is_nothing(text: str | None) -> None:
    assert trace_context(text) is None


def test_trace_of_an_execution_follows_from_its_id_wherever_it_is_asked_for() -> None:
    here, there = (trace_of_execution(EXECUTION, None, ratio) for ratio in (1.0, 0.5))
    assert (here.trace_id, here.caller_id) == (there.trace_id, None)
    assert here.attempt(2).span_id == there.attempt(2).span_id
    spans = [here.execution(), here.dispatch(1), here.attempt(1), here.dispatch(2), here.attempt(2)]
    assert len({span.span_id for span in spans}) == len(spans)
    assert trace_context(str(here.attempt(1))) == here.attempt(1)


@pytest.mark.parametrize("is_sampled", [True, False])
def test_execution_that_somebody_asked_for_is_in_the_trace_of_the_caller(is_sampled: bool) -> None:
    trace = trace_of_execution(EXECUTION, TraceContext(TRACE, SPAN, is_sampled), 1.0 - is_sampled)
    assert (trace.trace_id, trace.caller_id, trace.is_sampled) == (TRACE, SPAN, is_sampled)
    assert child(TraceContext(TRACE, SPAN, is_sampled), "a call").trace_id == TRACE


@given(st.uuids(), st.floats(0, 1), st.floats(0, 1))
def test_trace_that_is_kept_of_few_is_kept_of_more(name: object, one: float, other: float) -> None:
    fewer, more = sorted((one, other))
    assert own_trace(str(name), fewer).is_sampled <= own_trace(str(name), more).is_sampled


def test_share_that_is_kept_is_about_as_large_as_it_is_to_be() -> None:
    kept = sum(own_trace(str(number), 0.1).is_sampled for number in range(10_000))
    assert 900 < kept < 1100
    assert all(own_trace(str(number), 1.0).is_sampled for number in range(100))
    assert not any(own_trace(str(number), 0.0).is_sampled for number in range(100))


def test_code_that_a_job_may_have_made_up_is_not_told() -> None:
    assert [code_of_ours(code) for code in ("EXIT_STATUS", "my password", "A" * 51, "")] == [
        "EXIT_STATUS",
        *3 * ["OTHER"],
    ]
