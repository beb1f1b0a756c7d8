"""Windowed figures of each tenant, counted from the ledger by a stream processor (Faust), beside everything else.

In: `executions.v1`. Out: `analytics.v1`, one record for each tenant and minute that changed, at most once a second;
records that make no sense go to `dlq.v1`. State: a Faust table, whose changelog is a compacted topic of its own.

Guarantee: derived, rebuildable, and never a source of truth: nothing is decided by it, and it writes no command and no
fact. Records are handed over at least once and counted once: each window remembers the last record that it counted, and
a record is only acknowledged when the windows that it changed, and what was told of them, are durable. Without
this process everything else works; when it comes back it goes on where it stopped.

`windows` computes, `counting` keeps what is counted and told, `faust_worker` is the only place that knows Faust. It is
not part of `horolog serve all` or `horolog dev`: it needs Kafka, and the extra `horolog[analytics]`.
"""
