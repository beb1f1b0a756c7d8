"""Tenants as the tests of decisions about them need them."""

from typing import Any

from schemas.base import Message
from schemas.commands import CreateTenant, SuspendTenant
from schemas.events.owners import CommandAccepted, CommandRejected
from schemas.jobs import CommandConfig, JobType
from schemas.tenants import Quotas, TenantSettings
from tests.unit.deciding.kit import OPEN, Dispatching, command

SH = {"job_type": JobType.COMMAND, "config": CommandConfig(command="/bin/sh", args=("-c", "true"))}


def settings(**quotas: Any) -> TenantSettings:
    """Settings that allow what the kit's jobs run, with these quotas."""
    return OPEN.model_copy(update={"quotas": Quotas(**quotas)})


def created(given: TenantSettings, seconds: float = 0) -> Dispatching:
    """A partition whose tenant has these settings."""
    world = Dispatching()
    world.turn(seconds, command(CreateTenant, 900, settings=given))
    return world


def suspend(world: Dispatching, seconds: float, number: int = 901) -> list[Message]:
    return world.turn(seconds, command(SuspendTenant, number))


def outcome(written: list[Message]) -> CommandAccepted | CommandRejected:
    """The only outcome among what was written."""
    (found,) = [message for message in written if isinstance(message, CommandAccepted | CommandRejected)]
    return found


def code(written: list[Message]) -> str | None:
    """The code with which the command was rejected; None when it was not."""
    told = outcome(written)
    return told.code if isinstance(told, CommandRejected) else None
