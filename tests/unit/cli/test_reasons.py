"""The documented reasons are the closed set of the schemas."""

import re
from pathlib import Path

from schemas.events.executions import Reason

PAGE = Path(__file__).parents[3] / "docs" / "reasons.md"


def test_every_reason_is_documented_with_its_meaning_and_no_other_word_is() -> None:
    documented = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert documented == [(reason.value, reason.meaning) for reason in Reason]
