"""What the holder of a key may ask for by commands.

Guarantee: the platform's own keys are for everything; they are the API's, which has looked at its caller. The key of a
producer is for the jobs and executions of its tenants, in its own name: never for what tenants themselves may do.
"""

from horolog.domain.command_seals import CommandKey
from schemas.commands import Command, TenantCommand


def objection(key: CommandKey, command: Command) -> str | None:
    """Why the key is not for this command, in a sentence; None when it is."""
    if not key.name:
        return None
    if isinstance(command, TenantCommand):
        return f"the key of {key.name} is for jobs and executions, not for what tenants may do"
    if command.tenant_id not in key.tenants:
        return f"the key of {key.name} is not for this tenant"
    if command.actor != actor_of(key):
        return f"the key of {key.name} gives commands as {actor_of(key)} only"
    return None


def actor_of(key: CommandKey) -> str:
    """In whose name the holder of a producer's key gives commands."""
    return f"service:{key.name}"
