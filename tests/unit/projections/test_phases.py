"""Which migrations go before the new code, which after the old, and which version a connection's name tells."""

import pytest

from projections.at_work import older_than
from projections.migrate import Migration, MigrationRefused, Phase, of_phase

ADD, DROP = Migration("0001_add", "", "a"), Migration("0002_drop.post", "", "b")
ADD_MORE, DROP_MORE = Migration("0003_add", "", "c"), Migration("0004_drop.post", "", "d")
TWO_RELEASES = [ADD, DROP, ADD_MORE, DROP_MORE]


def applied(*migrations: Migration) -> dict[str, str]:
    return {migration.name: migration.checksum for migration in migrations}


@pytest.mark.parametrize(
    ("there", "phase", "expected"),
    [
        (applied(), Phase.BOTH, TWO_RELEASES),
        # Nobody uses an empty database: what lies between is made and taken away at once.
        (applied(), Phase.PRE, [ADD, DROP, ADD_MORE]),
        (applied(ADD, DROP), Phase.PRE, [ADD_MORE]),
        (applied(ADD, DROP, ADD_MORE), Phase.PRE, []),
        (applied(ADD, DROP, ADD_MORE), Phase.POST, [DROP_MORE]),
        (applied(ADD), Phase.BOTH, [DROP, ADD_MORE, DROP_MORE]),
        (applied(*TWO_RELEASES), Phase.POST, []),
    ],
)
def test_phase_has_its_migrations(there: dict[str, str], phase: Phase, expected: list[Migration]) -> None:
    assert list(of_phase(TWO_RELEASES, there, phase)) == expected


def test_post_before_pre_is_refused() -> None:
    with pytest.raises(MigrationRefused, match="0003_add is missing, which goes before the new code"):
        of_phase(TWO_RELEASES, applied(ADD, DROP), Phase.POST)


def test_pre_of_a_release_before_the_post_of_the_one_before_is_refused() -> None:
    with pytest.raises(MigrationRefused, match=r"0002_drop\.post belongs to an earlier version"):
        of_phase(TWO_RELEASES, applied(ADD), Phase.PRE)


def test_older_versions_are_told_by_the_names_of_their_connections() -> None:
    names = ["horolog-api/0.9.1", "horolog-api/0.10.0", "horolog-projections", "horolog-migrate/0.1.0", "psql"]
    assert older_than("0.10.0", names) == ["api 0.9.1", "projections without a version"]
    assert older_than("0.10.0", ["horolog-audit-sink/0.9.1"]) == ["audit-sink 0.9.1"]
    assert older_than("0.9.1", ["horolog-api/0.9.1", "horolog-api/0.10.0"]) == []
