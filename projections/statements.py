"""SQL by name: `statement("upsert_jobs")` is the text of `projections/sql/upsert_jobs.sql`, read once."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    """The SQL text called `name`."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
