"""What is not decided while the release before this one is at work: whatever that one could not read.

Guarantee: with `book.is_upgrading` no command has an effect of which the release before would refuse a fact. It would
make a dead letter of the fact, and then decide without it: a job that it does not know of does not fire.
"""

from collections.abc import Sequence
from datetime import datetime

from schemas.base import Message
from schemas.commands import Command
from schemas.releases import unread_before
from services.dispatcher.book import Book
from services.dispatcher.rejections import reject

UPGRADE_IN_PROGRESS = "UPGRADE_IN_PROGRESS"


def hold_back(book: Book, command: Command, decided: Sequence[Message], now: datetime) -> Sequence[Message]:
    """What was decided on a command; or its rejection, if the release before cannot read the one or the other."""
    if not book.is_upgrading:
        return decided
    unread = sorted({field for message in (command, *decided) for field in unread_before(message)})
    if not unread:
        return decided
    text = f"the version before this one is still at work, and cannot read {', '.join(unread)}; ask again afterwards"
    return [reject(command, now, UPGRADE_IN_PROGRESS, text)]
