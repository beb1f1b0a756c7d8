"""The last step before an attempt runs: its encrypted values are opened, and its references to secrets resolved.

Guarantee: a task travels and waits encrypted; plain values exist in the attempt alone, from here to its end, and what
it reports is scrubbed of them. A ciphertext that was moved here from another tenant, job or field does not open: the
attempt fails, is not retried, and shows nothing. A task without secrets passes at once, and never asks the vault.
"""

import asyncio
import logging
from functools import partial

from pydantic import JsonValue, ValidationError

from horolog.domain.sensitive import Slot, is_secret, references, replaced, resolved, slots
from horolog.vault.cipher import SealBroken
from horolog.vault.places import job_place
from horolog.vault.port import KeyErased, KeyMissing, SecretMissing, SecretReader, TenantKeys, VaultError
from schemas.events.workers import TaskAssigned
from schemas.jobs import ErrorType, config_for
from schemas.sealed import is_sealed
from services.executor.outcome import Outcome, failed, failure
from services.executor.runner import Runner, Stop, Tap, Warmth, Watcher
from services.executor.scrubbing import ScrubbedTap, Scrubber
from services.executor.tracing import in_logs

_logger = logging.getLogger(__name__)


class Unopened(Exception):
    """The attempt cannot run; the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Opener:
    """Opens tasks. Without keys and secrets, those that have any fail."""

    def __init__(self, keys: TenantKeys | None = None, secrets: SecretReader | None = None) -> None:
        self._keys = keys
        self._secrets = secrets

    async def opened(self, task: TaskAssigned) -> tuple[TaskAssigned, Scrubber]:
        """The task as it is to be run, and what takes its secrets out of the outcome.

        Raises:
            Unopened: it cannot be.
        """
        try:
            return await self._opened(task)
        except SecretMissing as error:
            raise _never("SECRET_MISSING", str(error)) from None
        except KeyErased:
            raise _never("KEY_ERASED", "the tenant's key was erased, and with it the job's secrets") from None
        except (SealBroken, KeyMissing):
            raise _never("SECRET_UNREADABLE", "an encrypted value is not this job's, or was altered") from None
        except ValidationError:
            raise _never("SECRET_UNUSABLE", "a secret holds what may not stand where the job refers to it") from None
        except VaultError as error:
            _logger.error("an attempt's secrets cannot be had: %s", error, extra=in_logs(task))
            what = "the job's secrets cannot be had at present"
            raise Unopened(failed(ErrorType.SYSTEM_ERROR, "VAULT_UNAVAILABLE", what)) from None

    async def _opened(self, task: TaskAssigned) -> tuple[TaskAssigned, Scrubber]:
        config = task.config.to_dict()
        plain = dict[Slot, JsonValue]()
        known = dict[str, str]()
        for slot, value in slots(config):
            opened = await self._plain(task, slot, value)
            for name in references(slot, opened):
                known[name] = known.get(name) or await self._secret(task.tenant_id, name)
            plain[slot] = resolved(slot, opened, known)
        hidden = [plain[slot] for slot, value in slots(config) if is_sealed(value) or is_secret(config, slot, value)]
        runnable = replaced(config, plain.get)
        opened_task = task.model_copy(update={"config": config_for(task.job_type, runnable)})
        return opened_task, Scrubber([*hidden, *known.values()])

    async def _plain(self, task: TaskAssigned, slot: Slot, value: JsonValue) -> JsonValue:
        if not is_sealed(value):
            return value
        if self._keys is None:
            raise VaultError("this worker has no HOROLOG_MASTER_KEYS")
        key = await self._keys.opening_key(task.tenant_id)
        return key.open(str(value), job_place(task.tenant_id, task.job_id, slot))

    async def _secret(self, tenant_id: str, name: str) -> str:
        if self._secrets is None:
            raise VaultError("this worker has no HOROLOG_MASTER_KEYS")
        return await self._secrets.secret(tenant_id, name)


class OpeningRunner:
    """Implements `Runner` over another: it starts what has no secrets at once, and the rest once it is opened."""

    def __init__(self, runner: Runner, opener: Opener) -> None:
        self._runner = runner
        self._opener = opener
        self._starting: set[asyncio.Task[None]] = set()

    @property
    def capacity(self) -> int:
        return self._runner.capacity

    @property
    def warmth(self) -> Warmth | None:
        return self._runner.warmth

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        if not has_secrets(task):
            return self._runner.start(task, watcher)
        run = OpenedRun(self._runner, watcher)
        starting = asyncio.get_running_loop().create_task(run.begin(self._opener, task))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        # A task that is cancelled before its first step never enters its coroutine, so its end is told here.
        starting.add_done_callback(run.begun)
        return partial(run.stop, starting)

    async def close(self) -> None:
        for starting in self._starting:
            starting.cancel()
        if self._starting:
            await asyncio.wait(self._starting)
        await self._runner.close()


class OpenedRun:
    """One run: opened, started, its output and outcome scrubbed. Implements `Watcher` for the runner beneath."""

    def __init__(self, runner: Runner, watcher: Watcher) -> None:
        self._runner = runner
        self._watcher = watcher
        self._scrubber = Scrubber(())
        self._stop: Stop | None = None

    async def begin(self, opener: Opener, task: TaskAssigned) -> None:
        try:
            opened, self._scrubber = await opener.opened(task)
            self._stop = self._runner.start(opened, self)
        except Unopened as unopened:
            self._watcher.ended(unopened.outcome)
        except OSError as error:
            self.ended(failed(ErrorType.SYSTEM_ERROR, "START_FAILED", f"the attempt could not be started: {error}"))

    def begun(self, starting: asyncio.Task[None]) -> None:
        """Tell the end of a run that never began."""
        if starting.cancelled():
            self._watcher.ended(failed(ErrorType.SYSTEM_ERROR, "STOPPED", "it was given up before it ran"))
        elif (error := starting.exception()) is not None:
            why = f"its secrets could not be opened: {type(error).__name__}"
            self._watcher.ended(failed(ErrorType.SYSTEM_ERROR, "RUNNER_ERROR", why))

    def stop(self, starting: asyncio.Task[None], grace_s: float) -> None:
        """End the run, whether it has begun or not."""
        if self._stop is None:
            starting.cancel()
        else:
            self._stop(grace_s)

    @property
    def traceparent(self) -> str | None:
        return self._watcher.traceparent

    def prints(self, *taps: Tap) -> None:
        if self._scrubber.is_light:
            self._watcher.prints(*(ScrubbedTap(tap, self._scrubber) for tap in taps))

    def progressed(self, percent: int) -> None:
        self._watcher.progressed(percent)

    def ended(self, outcome: Outcome) -> None:
        self._watcher.ended(self._scrubber.outcome(outcome))


def has_secrets(task: TaskAssigned) -> bool:
    """Whether anything in the task has to be opened, resolved, or kept out of what it reports."""
    config = task.config.to_dict() if _may_have_slots(task) else {}
    return any(
        is_sealed(value) or is_secret(config, slot, value) or any(references(slot, value))
        for slot, value in slots(config)
    )


def _may_have_slots(task: TaskAssigned) -> bool:
    # Most tasks have nothing of the kind; those are told without writing out their whole config.
    parts = ("headers", "environment", "parameters", "body", "sign_with")
    return any(getattr(task.config, part, None) for part in parts)


def _never(code: str, message: str) -> Unopened:
    """A failure that trying again does not mend."""
    return Unopened(Outcome(failure=failure(ErrorType.VALIDATION_ERROR, code, message, retryable=False)))
