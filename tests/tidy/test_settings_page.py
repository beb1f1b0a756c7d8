"""The page of settings has every setting that the product reads, and no other."""

import re

from tests.tidy.tree import ROOT, python_files, read_text

PAGE = "docs/settings.md"
_PREFIXES = "HOROLOG|KAFKA|AUTH|RBAC|SCHEDULER|OTEL"
_OTHERS = {"DATABASE_URL", "REDIS_URL", "LOG_LEVEL", "METRICS_ENABLED", "PROMETHEUS_PORT", "INTERNAL_SERVICE_TOKEN"}
_SECRETS = re.compile(r'secret(?:_in_file)?\((?:os\.)?environ(?:ment)?, "([A-Z_]+)"')
"""Secrets are read by one function, which takes them from files as well."""
_READ = re.compile(rf'"((?:{_PREFIXES})_[A-Z_]*[A-Z])"')
_TOLD = re.compile(rf"`((?:{_PREFIXES})_[A-Z_]*[A-Z])`")
_NO_SETTINGS = {
    "AUTH_UNAVAILABLE",
    "HOROLOG_PROCESS_TREE",
    "HOROLOG_TLS",
    "HOROLOG_AUDIT_SINK",
    "KAFKA_SSL",
    "HOROLOG_SMTP",
    "HOROLOG_NOTIFY",
}
"""An error's code, what a process tells its own children, and beginnings of names."""
_BY_PREFIX = (
    {
        f"{prefix}_{kind}_FILE"
        for prefix in ("HOROLOG", "HOROLOG_AUDIT_SINK", "HOROLOG_TLS", "KAFKA_SSL")
        for kind in ("CA", "CERT", "KEY")
    }
    | {"HOROLOG_SMTP_CA_FILE", "HOROLOG_NOTIFY_CA_FILE"}
    | {"AUTH_CA_FILE", "RBAC_CA_FILE", "AUTH_ISSUER", "AUTH_AUDIENCE", "RBAC_URL", "RBAC_TOKEN"}
)
"""Names that are put together where they are read."""
_BY_NAME = {"HOROLOG_MASTER_KEYS_FILE", "HOROLOG_AUDIT_SINK_SECRET_FILE"}
"""Of secrets whose own names are variables where they are read."""


def test_every_setting_is_on_the_page_and_every_name_on_it_is_a_setting() -> None:
    product = [p for p in python_files() if p.parts[0] in {"horolog", "services", "projections"}]
    read = {name for path in product for name in _READ.findall(read_text(path) or "")} - _NO_SETTINGS
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    secrets = {f"{name}_FILE" for path in product for name in _SECRETS.findall(read_text(path) or "")} | _BY_NAME
    others = {name for name in secrets if not _TOLD.fullmatch(f"`{name}`")} | _OTHERS
    assert set(_TOLD.findall(page)) == read | _BY_PREFIX | (secrets - others)
    assert [name for name in sorted(others) if f"`{name}`" not in page] == []
