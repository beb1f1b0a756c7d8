"""The read side: facts from the log become PostgreSQL rows that the API queries.

In: `jobs.v1`, `executions.v1`, `outcomes.v1`, `workers.v1`, `checkpoints.v1`, `tenant-changes.v1`, `audit.v1`,
`analytics.v1`. Out: the tables of
`projections/migrations`. Guarantee: the rows are a fold of the log. Rows and consumed positions commit in one
PostgreSQL transaction, guarded by the positions themselves, so each record is applied exactly once, whoever applies
it and however often it is delivered. Any table can be dropped and rebuilt from the log.

On failure: PostgreSQL or log gone, the projector waits and goes on where its positions say; a record that cannot be
understood goes to the dead-letter topic and the partition goes on.

Beside it `audit_sink` sends the audit trail to an outside service, where there is one. Its positions are no fold of the
log, and no rebuild touches them. `analytics` counts windows from the ledger, in a process of its own.

`views` is what the API may see of it; `queries` answers it from PostgreSQL, behind the `walls` between tenants.
"""
