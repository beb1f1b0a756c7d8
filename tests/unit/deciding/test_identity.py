"""Derived names: the same on every run and in every version, for records outlive the code that wrote them."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from horolog.domain.identity import command_id, created_job_id, fire_id, miss_id, triggered_execution_id
from tests.unit.deciding.kit import START, TENANT, uuid_of

GOLDEN = [
    "9fa82cd3-148d-5889-b711-091fc68259b5",
    "2b13f531-de6e-5fc6-ab19-70026ae01ad5",
    "614053f1-bb6b-5679-8ad8-682dca58108d",
    "06a85137-da9c-56ca-bf37-a4abcf2aafff",
    "be2b076d-b6a4-5a5c-ac42-c3de73ebd2df",
]


def test_names_are_what_they_have_always_been() -> None:
    assert [
        fire_id(TENANT, uuid_of(1), START),
        miss_id(TENANT, uuid_of(1), START),
        triggered_execution_id(uuid_of(2)),
        command_id(TENANT, "a key"),
        created_job_id(uuid_of(2)),
    ] == GOLDEN


@given(st.text())
def test_every_name_is_a_uuid_of_version_five(key: str) -> None:
    name = UUID(command_id(TENANT, key))
    assert (name.version, name.variant) == (5, RFC_4122)
