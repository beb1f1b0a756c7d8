"""Accounts are no fold of the log: what replaces the read models leaves them alone."""

from horolog.cli.roles.accounts import migrate_accounts
from projections.connections import open_pool
from projections.rebuild import rebuild
from services.api.accounts.postgres import PostgresAccounts
from tests.contract.accounts.people import NOW, person, signed_in
from tests.integration.projections.test_rebuilding import live_through
from tests.integration.projections.world import StillClock, World


async def test_rebuilding_the_read_models_leaves_users_and_sessions_as_they_are(world: World) -> None:
    await migrate_accounts(world.dsn)
    pool = await open_pool(world.dsn, 2)
    store, ada = PostgresAccounts(pool), person("ada")
    live = await signed_in(store, ada)
    before = await store.user(ada.id)
    await live_through(world)
    await rebuild(world.log, world.dsn, StillClock())
    assert (await store.user(ada.id), await store.live(live.session_id, NOW)) == (before, live)
    await pool.close()
