"""The ticker: the clock of the partitions that it owns.

In: `job-table`. Out, in one transaction with its checkpoint: `fires`, and `dlq` for what makes no sense.

Guarantee: every instant up to the watermark that an active job's schedule names has been emitted exactly once, as due
or as missed. The watermark is in the log; after a takeover or a stall the ticker goes on from there, never from "now".
Nothing is written per job: which instants are owed follows from the schedule's versions and the watermark alone.

On failure: fenced, it gives the partition up; anything else, it drops its state and rebuilds from the log.

`segments` says which instants a schedule's versions owe; `partition` is one turn.
"""
