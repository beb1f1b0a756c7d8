"""The dispatcher: makes every decision about the tenants of the partitions that it owns.

In: `commands`, `fires`, `results` of its partitions; `workers` of all.
Out, in one transaction with its checkpoint: `jobs`, `job-table`, `tenants`, `tenant-changes`, `executions`, `tasks`,
`control`, `outcomes`, `dlq`.

Guarantee: each nominal instant is decided exactly once; an execution ends exactly once and an end never changes;
each attempt number is handed out at most once; no more than `max_concurrent` executions of a job go on at any moment
of the log; after a pause, stop or cancel, or the suspension of a tenant, was acknowledged, nothing that it forbids
starts.

    fire ──► planned ──(its instant)──► waiting ──(a slot)──► ready ──(a worker)──► held ──► running ──► an end
                                           │                    ▲                     │         │
                                           └─► skipped: why     └── delayed (retry) ◄─┴─────────┘

On failure: fenced, it gives the partition up; after an unknown outcome it drops everything and rebuilds from the log.
A worker that has not named an attempt for a lease has lost it, and the attempt is retried or failed. One that beats,
but takes or starts nothing, gets nothing more until it does, and what it left alone is handed to others.

`book`, `shelf`, `tenancy`, `line`, `lanes`, `settled`, `outcomes`, `worker_slot` and `progress` are the state; `demand`
says what an execution asks of its worker; `authority`, `jobs`, `tenants`, `rejections`, `executions`, `slots`,
`endings`, `upkeep`, `assignment` decide; `partition` is one turn; `tracing` tells what became of it.
"""
