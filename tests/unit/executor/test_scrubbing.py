"""No secret of an attempt's own is in what it reports, in whichever common form it was repeated."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from pydantic import JsonValue

from horolog.domain.sensitive import MASK
from schemas.jobs import ErrorType
from services.executor.outcome import Outcome, failure
from services.executor.scrubbing import Scrubber

HUSH = 'pä"ss/wörd\\+ 9'
FORMS = [
    HUSH,
    json.dumps(HUSH)[1:-1],
    json.dumps(HUSH, ensure_ascii=False)[1:-1],
    repr(HUSH)[1:-1],
    *(quote(HUSH), quote(HUSH, safe=""), quote_plus(HUSH)),
    *(base64.b64encode(HUSH.encode()).decode(), base64.urlsafe_b64encode(HUSH.encode()).decode()),
    HUSH.encode().decode("latin-1"),
]


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_taken_out_in_every_form(form: str) -> None:
    told = Scrubber([HUSH]).text(f"before {form} after {form}")
    assert form.rstrip("=") not in told
    assert told.startswith(f"before {MASK}")
    assert " after " in told


@pytest.mark.parametrize(
    ("secret", "repeated"),
    [
        ("Bearer abcdef123", "abcdef123"),
        (f"Basic {base64.b64encode(b'me:pass-4711').decode()}", "pass-4711"),
        ("sid=abc-789; theme=dark0", "abc-789"),
        ("-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----", "log: BgkqhkiG9w0B"),
        ({"nested": ["deep-secret"]}, "deep-secret"),
        (4711_2024, "47112024"),
    ],
)
def test_part_that_may_be_repeated_alone_is_taken_out(secret: JsonValue, repeated: str) -> None:
    told = Scrubber([secret]).text(f"x {repeated} y")
    assert MASK in told
    assert repeated not in told


@pytest.mark.parametrize("around", [("", "\n"), ("u:", ""), ("a", "b"), ("ab", "cd")])
def test_secret_within_a_text_in_base64_is_taken_out_but_for_its_edges(around: tuple[str, str]) -> None:
    encoded = base64.b64encode("correct-horse-battery".join(around).encode()).decode()
    told = Scrubber(["correct-horse-battery"]).text(encoded)
    assert MASK in told
    assert len(told.replace(MASK, "")) <= 12


def test_whole_outcome_is_scrubbed_and_what_is_no_secret_stays() -> None:
    outcome = Outcome(
        failure=failure(ErrorType.USER_ERROR, "hush-code", "said hush-code", stack="at hush-code"),
        result={"hush-code": ["a", "hush-code", 12345678, 1.5, None, True]},
        metadata={"headers": {"x": "hush-code"}, "statusCode": 200},
    )
    scrubbed = Scrubber(["hush-code", 12345678]).outcome(outcome)
    assert scrubbed.result == {MASK: ["a", MASK, MASK, 1.5, None, True]}
    assert scrubbed.metadata == {"headers": {"x": MASK}, "statusCode": 200}
    assert scrubbed.failure is not None
    assert (scrubbed.failure.message, scrubbed.failure.stack) == (f"said {MASK}", f"at {MASK}")
    assert scrubbed.failure.code == MASK


@pytest.mark.parametrize("cut", range(4, len("correct-horse-battery")))
@pytest.mark.parametrize("end", ["", "…"])
def test_secret_that_was_cut_off_at_the_end_is_taken_out(cut: int, end: str) -> None:
    text = "x" * 50 + "correct-horse-battery"[:cut] + end
    assert "corr" not in Scrubber(["correct-horse-battery"]).text(text)


def test_longer_secret_is_not_spoilt_by_one_within_it() -> None:
    assert Scrubber(["pass", "pass-phrase-1"]).text("pass-phrase-1") == MASK


def test_short_secret_is_left_and_nothing_is_scrubbed_without_secrets() -> None:
    outcome = Outcome(result={"a": "abc"})
    assert Scrubber(["abc", "", None, True]).outcome(outcome) is outcome
