"""Telling the log which users are disabled, so that nothing of theirs runs: each once they are, and those left behind.

Guarantee: a user is disabled first, in one step with the note that the log has to be told; the note goes only when a
dispatcher has decided on it. So whatever process dies in between, `run` of any of them tells it within
`INTERVAL_S`, and until then again and again. Telling twice changes nothing. Where two changes of one user are told at
the same time, it is told again what holds at last.
"""

import logging
from dataclasses import dataclass

from horolog.ports import Clock, Ids
from schemas.commands import BarActor, UnbarActor
from schemas.events.workers import SYSTEM_TENANT
from services.api.accounts.ports import StandingStore
from services.api.accounts.users import Standing
from services.api.calls import Call, Origin
from services.api.errors import ApiError
from services.api.sending import CommandDesk

INTERVAL_S = 10.0
PAGE_COUNT = 100
ROUND_COUNT_MAX = 5
"""A user who is disabled and enabled so often while it is told is left to `run`."""
ACTOR = "system:accounts"
FIRST_ID = "00000000-0000-0000-0000-000000000000"
_LOG = logging.getLogger("horolog.api.accounts")


@dataclass(frozen=True, slots=True)
class OwnerBars:
    """Tells the dispatchers of the users' tenants."""

    store: StandingStore
    desk: CommandDesk
    clock: Clock
    ids: Ids

    async def tell(self, user_id: str, actor: str, origin: Origin) -> None:
        """Tell what holds for the user, if that is still to be told; in force when this returns.

        Raises:
            ApiError: it could not be told; `run` tries again. BARRED_LIST_FULL: the tenant has no room for it.
        """
        standing = await self.store.standing(user_id)
        for _ in range(ROUND_COUNT_MAX):
            if standing is None or standing.is_told:
                return
            await self._tell(standing, actor, origin)
            if await self.store.told(standing):
                return
            standing = await self.store.standing(user_id)

    async def tell_all(self) -> None:
        """Tell whatever is still to be told; what cannot be is said in the log, and the others follow.

        Raises:
            ApiError: AUTH_UNAVAILABLE
        """
        after_id = FIRST_ID
        while page := await self.store.untold(after_id, PAGE_COUNT):
            for standing in page:
                await self._tell_left(standing)
            after_id = page[-1].user_id

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.tell_all()
            except ApiError as error:
                _LOG.warning("whether users are still to be told to the log is not known: %s", error.code)
            except Exception:  # noqa: BLE001 - logged; a fault must not leave the others untold for good
                _LOG.exception("telling the log which users are disabled failed")
            await self.clock.sleep(INTERVAL_S)

    async def _tell_left(self, standing: Standing) -> None:
        # A call of nobody's: it came from no address, and has no route.
        origin = Origin(Call(), "", "", ACTOR)
        try:
            await self.tell(standing.user_id, ACTOR, origin)
        except ApiError as error:
            deed = "disabled, but jobs of theirs may still run" if standing.disabled else "enabled, but jobs wait"
            where = {"tenant_id": standing.tenant_id}
            _LOG.error("user %s is %s: %s (%s)", standing.user_id, deed, error.message, error.code, extra=where)

    async def _tell(self, standing: Standing, actor: str, origin: Origin) -> None:
        if standing.tenant_id == SYSTEM_TENANT:
            # Who administers the platform has no tenant, and so no jobs.
            return
        kind = BarActor if standing.disabled else UnbarActor
        command = kind(
            tenant_id=standing.tenant_id,
            command_id=self.ids.new(),
            actor=actor,
            issued_at=self.clock.now(),
            barred_actor=f"user:{standing.name}",
            disabled=True,
        )
        await self.desk.settle(command, origin)
