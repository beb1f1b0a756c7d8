"""The two roles that the API reads as. They belong to the whole server, so no migration of one database makes them.

Guarantee: both exist, and neither may pass row security, before a table gets a policy that names them. Where the
login may make roles, it makes them, and becomes a member that may switch to them; where it may not, the operator is
told what to run, and nothing is changed.
"""

from collections.abc import Sequence

import asyncpg

API_ROLE = "horolog_api"
"""Sees the rows of the tenant that its transaction names."""

PLATFORM_ROLE = "horolog_platform"
"""Sees the rows of all tenants; only for what is about the scheduler itself."""

TENANT_SETTING = "horolog.tenant"
"""The setting that names the tenant of a transaction."""

ROLES = (API_ROLE, PLATFORM_ROLE)
_SET_OPTION_SINCE = 16
_STATE = """
select
    name,
    role.oid is not null as is_there,
    coalesce(role.rolsuper or role.rolbypassrls, false) as is_above_policies,
    coalesce(pg_has_role(role.oid, {privilege}), false) as is_open,
    (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as may_make
from unnest($1::text[]) as wanted (name)
left join pg_roles as role on role.rolname = name
order by name
"""
# Another database of the server may be migrated at the same time; whoever comes second finds the role.
_CREATE = """
do $$ begin
    create role {name} nologin noinherit;
exception when duplicate_object or unique_violation then null;
end $$
"""


class RolesRefused(Exception):
    """The roles are missing or too mighty, and this login cannot change that; says what to do."""


async def ensure_roles(connection: asyncpg.Connection, names: Sequence[str] = ROLES) -> None:
    """Make the roles that are missing, and let this login switch to them if it may say so.

    Raises:
        RolesRefused: a role is missing and this login may not make it, or a role passes row security.
    """
    major = connection.get_server_version().major
    for role in await _state(connection, names, major):
        name = role["name"]
        if role["is_above_policies"]:
            raise RolesRefused(f"the role {name} passes row security: alter role {name} nosuperuser nobypassrls")
        if not role["is_there"]:
            if not role["may_make"]:
                raise RolesRefused(_advice(names))
            await connection.execute(_CREATE.format(name=name))
    for role in await _state(connection, names, major):
        if not role["is_open"] and role["may_make"]:
            await _join(connection, role["name"], major)


async def _state(connection: asyncpg.Connection, names: Sequence[str], major: int) -> list[asyncpg.Record]:
    privilege = "'SET'" if major >= _SET_OPTION_SINCE else "'MEMBER'"
    return list(await connection.fetch(_STATE.format(privilege=privilege), list(names)))


async def _join(connection: asyncpg.Connection, name: str, major: int) -> None:
    option = " with inherit false, set true" if major >= _SET_OPTION_SINCE else ""
    try:
        async with connection.transaction():
            await connection.execute(f"grant {name} to current_user{option}")
    except asyncpg.InsufficientPrivilegeError:
        # Made by somebody else, who has not let this login in: then the API has another login, or is told at its start.
        return


def _advice(names: Sequence[str]) -> str:
    roles = "; ".join(f"create role {name} nologin noinherit" for name in names)
    return (
        f"this login may not create the roles that the API reads as. Let an administrator run once for this server: "
        f"{roles}; grant {', '.join(names)} to the login of the API. Then migrate again (see docs/security.md)"
    )
