"""The executor, put together: one that runs everything, or one for the registered functions of a module."""

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import Enum, auto

from horolog.adapters.account_claims import Claim, NoAccountsFree, claim_accounts
from horolog.cli.composition import Parts
from horolog.cli.roles.vault import open_checked
from horolog.runtime.settings import UPGRADING
from horolog.runtime.settings_error import SettingsError
from horolog.vault.cache import CachedKeys
from services.executor.composition import Apartness, find_registered, keep_apart, open_worker
from services.executor.isolation_settings import isolation_from
from services.executor.opening import Opener
from services.executor.settings import WorkerSettings

_logger = logging.getLogger(__name__)


class Share(Enum):
    """Of the accounts for attempts: two executors of one process must not give out the same ones."""

    ALL = auto()
    FIRST_HALF = auto()
    LAST_HALF = auto()

    def of(self, accounts: range) -> range:
        """This share of them."""
        middle = len(accounts) // 2
        match self:
            case Share.FIRST_HALF:
                return accounts[:middle]
            case Share.LAST_HALF:
                return accounts[middle:]
            case _:
                return accounts


@dataclass(frozen=True, slots=True)
class Prepared:
    """An executor that is about to run, and the accounts that are its programs' alone until it has ended."""

    settings: WorkerSettings
    apartness: Apartness
    claim: Claim

    @property
    def role(self) -> str:
        """As what it is expected in its process: one that runs everything may be beside it there."""
        return "executor" if self.settings.hosted is None else "worker"

    @property
    def names(self) -> tuple[str, ...]:
        """The registered functions that it runs, if it is for those."""
        return () if self.settings.hosted is None else self.settings.hosted.names


async def run(parts: Parts, stop: asyncio.Event, share: Share = Share.ALL) -> None:
    """Run attempts until stopped."""
    await run_prepared(parts, stop, await prepare(parts, _settings(parts), share))


async def prepare_functions(parts: Parts, target: str, share: Share = Share.ALL) -> Prepared:
    """An executor for the functions that `module:attribute` has registered.

    Raises:
        SettingsError: the module cannot be imported, or has registered none; or the version before this one is still
            at work, which cannot read what the beats of such an executor tell.
    """
    if parts.settings.is_upgrading:
        raise SettingsError(
            f"registered functions are not run during an upgrade: wait for its end, without {UPGRADING}"
        )
    settings = _settings(parts)
    # It runs functions only: more than there are processes for would wait for each other, and not at other workers.
    room = settings.function_process_count
    prepared = await prepare(parts, replace(settings, capacity=room, prefetch=room), share)
    try:
        hosted = await find_registered(target, prepared.settings, prepared.apartness)
    except BaseException:
        prepared.claim.close()
        raise
    return replace(prepared, settings=replace(prepared.settings, hosted=hosted))


async def prepare(parts: Parts, settings: WorkerSettings, share: Share) -> Prepared:
    """Find out how programs are kept apart on this machine, with this share of the accounts that there are.

    Raises:
        SettingsError: they are not as they have to be, or other executors hold the accounts.
    """
    isolation = isolation_from(os.environ, is_root=os.geteuid() == 0)
    isolation = replace(isolation, accounts=share.of(isolation.accounts))
    # More for functions than are kept: the process that makes room for another tenant's ends while that one begins.
    count = settings.capacity + settings.kept_function_process_count + settings.function_process_count
    isolation.require_accounts(count)
    claim = _claim(isolation.accounts, count)
    try:
        isolation = replace(isolation, accounts=claim.accounts)
        apartness = await keep_apart(isolation, settings.function_paths, (str(parts.settings.home),))
        # Should this process be killed, the accounts are free once the spawner has ended what has them.
        apartness.cells.held = claim.descriptors
    except BaseException:
        claim.close()
        raise
    return Prepared(settings, apartness, claim)


def _claim(accounts: range, count: int) -> Claim:
    """So many of the accounts, which no other executor of this machine has.

    Raises:
        SettingsError: others hold too many of them.
    """
    if not accounts:
        return Claim(accounts)
    try:
        return claim_accounts(accounts, count)
    except NoAccountsFree as error:
        raise SettingsError(
            f"HOROLOG_JOB_UID_RANGE: {error}, for other executors of this machine hold them; give it more accounts"
        ) from None
    except OSError as error:
        # A container may have no place for it, and no other executor beside it.
        _logger.warning("whether another executor of this machine uses the same accounts cannot be told: %s", error)
        return Claim(accounts)


async def run_prepared(parts: Parts, stop: asyncio.Event, prepared: Prepared) -> None:
    """Run attempts until stopped."""
    async with AsyncExitStack() as stack:
        stack.callback(prepared.claim.close)
        vault = await open_checked(parts, stack)
        opener = None if vault is None else Opener(CachedKeys(vault, parts.clock), vault)
        worker = open_worker(parts.log, parts.clock, prepared.settings, prepared.apartness, opener, parts.tracing)
        parts.readiness.watch(prepared.role, worker.is_ready)
        parts.metrics.watch_slots(lambda: (worker.running_count, prepared.settings.capacity))
        parts.metrics.watch_letters("executor", lambda: worker.refused_count)
        await worker.run(stop)


def _settings(parts: Parts) -> WorkerSettings:
    return WorkerSettings(
        worker_id=f"{parts.settings.member}-{parts.ids.new()[:8]}",
        capacity=parts.settings.concurrent_count_max,
        prefetch=parts.settings.concurrent_count_max,
        function_process_count=parts.settings.function_process_count,
        kept_function_process_count=parts.settings.kept_function_process_count,
        host=socket.gethostname(),
        drain_grace_s=float(parts.settings.drain_s),
        seals=parts.seals(),
        http_allowed=parts.settings.http_allowed,
        function_paths=(os.getcwd(),),
        is_upgrading=parts.settings.is_upgrading,
    )
