"""Rows turned into the columns that statements take."""

from dataclasses import fields

from projections.rows import ExecutionRow, columns
from tests.unit.projections.facts import START, TENANT, uuid_of


def row(number: int, reason: str | None = None) -> ExecutionRow:
    return ExecutionRow(uuid_of(number), START, TENANT, uuid_of(1), START, reason=reason)


def test_a_column_has_a_value_of_each_row_or_is_none_where_no_row_has_one() -> None:
    names = [field.name for field in fields(ExecutionRow)]
    found = dict(zip(names, columns(ExecutionRow, [row(1), row(2, "why")]), strict=True))
    assert found["id"] == (uuid_of(1), uuid_of(2))
    assert found["reason"] == (None, "why")
    assert found["result"] is None
