"""What the metrics report of notifications; counted by the consumer and the sender of one process."""

from dataclasses import dataclass


@dataclass(slots=True)
class NotifierCounters:
    """`throttled` are messages that were not made, `failed` attempts, `dead` deliveries that were given up.

    `waiting` and `behind_s` are of all processes, as last looked at: how many are to be sent, and for how long the
    oldest has been due. `failures` are defects.
    """

    made: int = 0
    sent: int = 0
    failed: int = 0
    dead: int = 0
    throttled: int = 0
    waiting: int = 0
    behind_s: float = 0.0
    failures: int = 0
