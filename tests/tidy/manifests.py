"""What tests of deployment files ask: which settings there are, how long and how large, and what is a secret."""

from __future__ import annotations

import re

from horolog.log.kafka.settings import KafkaSettings
from tests.tidy.tree import ROOT

_TOLD = re.compile(r"`([A-Z][A-Z0-9_]*[A-Z0-9])`")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BINARY_MB = {"Mi": 1.0, "Gi": 1024.0, "m": 1.0, "g": 1024.0}


def known_settings() -> set[str]:
    """Every name on the page of settings."""
    return set(_TOLD.findall((ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))


def seconds(duration: str) -> float:
    """The seconds of `90s`, `5m` and the like."""
    found = re.fullmatch(r"(\d+)(ms|s|m|h)", duration)
    assert found is not None, duration
    return int(found[1]) * _UNITS_S[found[2]]


def megabytes(size: str) -> float:
    """The MiB of `900Mi`, `1024m` and the like."""
    found = re.fullmatch(r"(\d+)([A-Za-z]+)", size)
    assert found is not None, size
    return int(found[1]) * _BINARY_MB[found[2]]


def is_secret(name: str) -> bool:
    """Whether a variable's value would be a secret: by its name, or because it is an address with a password in it."""
    if name.endswith("_FILE"):
        return False
    return name in ("DATABASE_URL", "REDIS_URL") or bool(re.search("PASSWORD|TOKEN|SECRET|KEY|HEADERS", name))


def analytics_leaving_s() -> float:
    """How long an analytics worker takes to end at most: two settlements, the one under way and its last, then Faust.

    Its module is read and not loaded: Faust is in another environment.
    """
    text = (ROOT / "projections" / "analytics" / "faust_worker.py").read_text(encoding="utf-8")
    faust = re.search(r"^STOP_S_MAX = ([\d.]+)$", text, re.MULTILINE)
    assert faust is not None
    kafka = KafkaSettings("broker:9092")
    return 2 * (kafka.commit_timeout_ms + kafka.append_timeout_ms) / 1000 + float(faust[1])
