"""What an error of a contract says may reach a log: it never repeats what was sent."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.commands import TriggerJob
from schemas.http_secrets import SecretBody
from schemas.jobs import JobDefinition

HUSH = "hush-9f2c7a"


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (JobDefinition, {"name": [HUSH], "config": {"url": HUSH}, "jobType": "http", "cronExpression": 1}),
        (SecretBody, {"value": [HUSH]}),
        (TriggerJob, {"parameters": HUSH}),
    ],
)
def test_error_does_not_repeat_what_was_sent(model: Any, data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(data)
    assert HUSH not in str(refused.value)
    assert HUSH not in repr(refused.value)
