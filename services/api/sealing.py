"""Encrypting what is secret in a job before any command leaves the API.

Guarantee: what the log, the read models and their dumps get of a secret is ciphertext, bound to its tenant, job and
field. A definition that is sent back as it was read, with masks in it, keeps the values that they stand for: they are
copied, still encrypted, from the job's present version, and the command demands that very version.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from pydantic import JsonValue

from horolog.domain.sensitive import ERASED, MASK, Config, Slot, is_secret, replaced, slots
from horolog.vault.cipher import DataKey
from horolog.vault.places import job_place
from horolog.vault.port import KeyErased, TenantKeys, VaultError
from projections.views import JobView
from schemas.http import Problem
from schemas.jobs import JobDefinition, config_for
from schemas.sealed import is_sealed, looks_sealed
from services.api.errors import ApiError
from services.api.masking import has_sealed
from services.api.shapes import job_body
from services.api.validation import invalid

_LOG = logging.getLogger("horolog.api")
_NOTHING: Config = {}
_NO_KEYS = "cannot be kept secret: this service has no HOROLOG_MASTER_KEYS"


class Sealing:
    """Encrypts for every tenant; without keys, it refuses what is secret."""

    def __init__(self, keys: TenantKeys | None) -> None:
        self._keys = keys

    async def sealed(
        self, tenant_id: str, job_id: str, definition: JobDefinition, stored: Config = _NOTHING
    ) -> JobDefinition:
        """The definition with everything secret encrypted; masks stand for what the `stored` config holds.

        Raises:
            ApiError: INVALID_JOB_CONFIG, where a mask stands for nothing or secrets cannot be kept; KEY_ERASED;
                DATABASE_UNAVAILABLE.
        """
        config = definition.config.to_dict()
        wanted, problems = _wanted(config, stored)
        if problems:
            raise invalid(problems)
        if not wanted:
            return definition
        plain = [slot for slot, value in wanted.items() if not is_sealed(value)]
        if plain and self._keys is None:
            raise invalid([Problem(field=slot.field, message=_NO_KEYS) for slot in plain])
        for slot in plain:
            place = job_place(tenant_id, job_id, slot)
            wanted[slot] = (await self._key(tenant_id)).seal(wanted[slot], place)
        sealed = replaced(config, wanted.get)
        return definition.model_copy(update={"config": config_for(definition.job_type, sealed)})

    async def sealed_parameters(self, job: JobView, parameters: Config) -> dict[str, JsonValue]:
        """The parameters of a trigger, with those encrypted that would be secret in the job itself.

        Raises:
            ApiError: INVALID_BODY, DATABASE_UNAVAILABLE, KEY_ERASED.
        """
        config = trigger_config(job, parameters)
        secret = [slot for slot, value in slots(config) if is_secret(config, slot, value)]
        problems = [
            Problem(field=f"parameters.{slot.name}", message="is not a value that can be kept secret")
            for slot, value in slots(config)
            if looks_sealed(value) or (slot in secret and (value in (MASK, ERASED) or self._keys is None))
        ]
        if problems:
            raise ApiError("INVALID_BODY", "The body has problems.", [problem.to_dict() for problem in problems])
        if not secret:
            return dict(parameters)
        key = await self._key(job.tenant_id)
        return {
            name: key.seal(value, job_place(job.tenant_id, job.id, slot)) if slot in secret else value
            for name, value in parameters.items()
            for slot in [Slot("parameters", name)]
        }

    async def hashable(self, tenant_id: str, body: Any, configs: Iterable[object]) -> Any:
        """What a request's hash may be made of: the body; or a fingerprint of it, when a config in it has secrets.

        The hash becomes part of the command. A plain one would let whoever reads it try out guesses.
        """
        if self._keys is None or not any(isinstance(config, Mapping) and _has_secrets(config) for config in configs):
            return body
        key = await self._key(tenant_id)
        return {"fingerprint": key.fingerprint(orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str))}

    async def job_bodies(self, jobs: Iterable[JobView], now: datetime) -> list[dict[str, Any]]:
        """Jobs of one tenant in the shape that callers get, their secrets masked."""
        found = list(jobs)
        encrypted = next((job for job in found if has_sealed(job.definition)), None)
        is_erased = encrypted is not None and await self._is_erased(encrypted.tenant_id)
        return [job_body(job, now, is_erased) for job in found]

    async def _key(self, tenant_id: str) -> DataKey:
        assert self._keys is not None
        try:
            return await self._keys.sealing_key(tenant_id)
        except KeyErased:
            raise ApiError("KEY_ERASED") from None
        except VaultError as error:
            _LOG.error("nothing can be encrypted at present: %s", error)
            raise ApiError("DATABASE_UNAVAILABLE", "The vault cannot be reached at present.") from None

    async def _is_erased(self, tenant_id: str) -> bool:
        try:
            if self._keys is not None:
                await self._keys.opening_key(tenant_id)
        except KeyErased:
            return True
        except VaultError:
            pass  # Whether it can still be read is not known at present; the mask is shown.
        return False


def config_of(raw: object) -> object:
    """The config within what may be a definition."""
    return raw.get("config") if isinstance(raw, Mapping) else None


def trigger_config(job: JobView, parameters: Config) -> dict[str, JsonValue]:
    """A config that has the trigger's parameters, and the job's word on which of them are secret."""
    config = config_of(job.definition)
    declared = config.get("sensitive", []) if isinstance(config, Mapping) else []
    return {"parameters": dict(parameters), "sensitive": declared}


def has_mask(definition: JobDefinition) -> bool:
    """Whether the definition may speak of values that the job has already."""
    return any(value == MASK for _, value in slots(definition.config.to_dict()))


def _has_secrets(config: Mapping[str, JsonValue]) -> bool:
    return any(is_secret(config, slot, value) for slot, value in slots(config))


def _wanted(config: Config, stored: Config) -> tuple[dict[Slot, JsonValue], list[Problem]]:
    """The values, as they are to be kept, of the slots that are to be encrypted or stay so."""
    kept = {slot.key: value for slot, value in slots(stored) if is_sealed(value) or is_secret(stored, slot, value)}
    wanted: dict[Slot, JsonValue] = {}
    problems = []
    for slot, value in slots(config):
        secret = is_secret(config, slot, value)
        if value == MASK and slot.key in kept:
            wanted[slot] = kept[slot.key]
        elif secret and value == MASK:
            problems.append(Problem(field=slot.field, message="is the mask, which stands for no value here"))
        elif secret and value == ERASED:
            problems.append(Problem(field=slot.field, message="was erased; give a new value"))
        elif secret or is_sealed(value):
            wanted[slot] = value
    return wanted, problems
