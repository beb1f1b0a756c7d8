"""Which migrations are still to be applied, and which histories are refused."""

from pathlib import Path

import pytest

from projections.migrate import Migration, MigrationRefused, migrations, missing_migrations

FIRST, SECOND, THIRD = (Migration(f"000{n}_part", f"select {n}", f"sum {n}") for n in (1, 2, 3))


def test_missing_ones_are_those_after_the_last() -> None:
    assert missing_migrations([FIRST, SECOND, THIRD], {FIRST.name: FIRST.checksum}) == [SECOND, THIRD]


@pytest.mark.parametrize(
    ("applied", "why"),
    [
        ({"0001_part": "sum 1", "0009_later": "x"}, "newer code, which added 0009_later"),
        ({"0001_part": "another"}, "the text of 0001_part is not the one"),
        ({"0001_part": "sum 1", "0003_part": "sum 3"}, "0002_part comes before 0003_part"),
    ],
)
def test_contradicting_history_is_refused(applied: dict[str, str], why: str) -> None:
    with pytest.raises(MigrationRefused, match=why):
        missing_migrations([FIRST, SECOND, THIRD], applied)


def test_file_without_a_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "add_column.sql").write_text("select 1", encoding="utf-8")
    with pytest.raises(MigrationRefused, match=r"add_column\.sql"):
        migrations(tmp_path)


def test_migrations_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("0002_b", "0010_c", "0001_a"):
        (tmp_path / f"{name}.sql").write_text("select 1", encoding="utf-8")
    assert [migration.name for migration in migrations(tmp_path)] == ["0001_a", "0002_b", "0010_c"]
