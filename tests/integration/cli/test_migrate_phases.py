"""`horolog migrate` in two steps, by an address that is in a file."""

import json
from pathlib import Path

from projections.migrate import migrations
from tests.integration.backup.commands import horolog


async def test_new_database_is_made_before_the_start_and_nothing_is_left_for_afterwards(
    database: str, tmp_path: Path
) -> None:
    address = tmp_path / "database_url"
    address.write_text(f"{database}\n", encoding="utf-8")
    address.chmod(0o400)
    environment = {"DATABASE_URL_FILE": str(address)}
    code, before = await horolog("migrate", "--pre", **environment)
    assert code == 0
    applied = set(before["applied"])
    assert {migration.name for migration in migrations() if not migration.is_post} <= applied
    assert {name.partition("/")[0] for name in applied if "/" in name} == {"accounts", "vault"}
    code, after = await horolog("migrate", "--post", **environment)
    assert (code, json.dumps(after["applied"])) == (0, "[]")
