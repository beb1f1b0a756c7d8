"""The example jobs as request bodies for `POST /api/v1/scheduler/jobs`."""

import json
from pathlib import Path
from typing import Any

_JOBS = Path(__file__).with_name("jobs.json")
_URL_PLACEHOLDER = "{url}"


def load(base_url: str) -> list[dict[str, Any]]:
    """The bodies of all example jobs, with `base_url` (without a slash at its end) as the address of the API."""
    text = _JOBS.read_text(encoding="utf-8").replace(_URL_PLACEHOLDER, base_url.rstrip("/"))
    bodies: list[dict[str, Any]] = json.loads(text)
    return bodies
