"""Whether whoever asks may still ask, judged where commands are decided on.

Guarantee: what an API process believed when it let a call in does not count here: the order of the tenant's partition
does. A command of a user who was disabled before it has no effect, however long it was under way.
"""

from datetime import datetime

from schemas.commands import Command, TenantCommand
from schemas.events.owners import CommandRejected
from services.dispatcher.book import Book
from services.dispatcher.rejections import reject

USER_DISABLED = "USER_DISABLED"


def refuse_caller(book: Book, command: Command, now: datetime) -> CommandRejected | None:
    """The rejection of a command whose caller may not give it any more."""
    if isinstance(command, TenantCommand):
        # Of the platform, or of an administrator who may have no other say in the tenant.
        return None
    if book.tenants.is_disabled(command.tenant_id, command.actor):
        return reject(command, now, USER_DISABLED, "this user was disabled; nothing is done for it any more")
    return None
