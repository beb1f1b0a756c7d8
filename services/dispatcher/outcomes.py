"""What was answered to a partition's last commands, so that one that comes again is answered and not decided anew."""

from collections import OrderedDict

from pydantic import TypeAdapter

from horolog.limits import REMEMBERED_OUTCOME_COUNT
from schemas.events.owners import CommandAccepted, CommandRejected

Outcome = CommandAccepted | CommandRejected
_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)


class Outcomes:
    """The last `REMEMBERED_OUTCOME_COUNT` of them, by the command."""

    def __init__(self) -> None:
        # As JSON they take a fifth of the memory, and hardly any is ever asked for.
        self._told: OrderedDict[str, bytes] = OrderedDict()

    def get(self, command_id: str) -> Outcome | None:
        """What was answered to this command, if that is still remembered."""
        raw = self._told.get(command_id)
        return None if raw is None else _OUTCOME.validate_json(raw)

    def remember(self, outcome: Outcome) -> None:
        """Take note of an answer; the oldest one gives way."""
        self._told[outcome.command_id] = outcome.to_json()
        if len(self._told) > REMEMBERED_OUTCOME_COUNT:
            self._told.popitem(last=False)
