"""What the dashboard shows, row by row: first what was asked for, then ours, by the question that each row answers.

Every figure is asked so that it stays right with any number of processes: what each of them counts is added up, what
all of them sample alike is the largest, and shares are made of sums.
"""

from deploy.grafana.panels.capacity import CAPACITY
from deploy.grafana.panels.executions import ASKED_FOR, LEDGER, PUNCTUALITY
from deploy.grafana.panels.owners import BEHIND, OWNERS
from deploy.grafana.panels.traffic import OUTWARD, REQUESTS

__all__ = ["ASKED_FOR", "ROWS"]

ROWS = (ASKED_FOR, PUNCTUALITY, LEDGER, OWNERS, BEHIND, CAPACITY, REQUESTS, OUTWARD)
