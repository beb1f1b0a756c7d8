"""Notifications: facts from the log become deliveries by the rules of tenants, and deliveries are sent.

In: `executions.v1`, `jobs.v1`, `tenants.v1`. Out: the tables of `projections/notifications/migrations`, in a schema of
their own, and what receivers are sent.

- `reading`   records into facts, purely
- `consumer`  reads the log and makes deliveries, exactly once
- `tables`    what the consumer keeps, in one transaction with its positions
- `closing`   groups whose time is over become deliveries
- `outbox`    which deliveries are due, and how they ended
- `sender`    sends what is due, within bounds for each rule and tenant
- `settings`  the channels that are the operator's
- `store`     rules and deliveries as the API manages them, behind the walls between tenants

Guarantee: exactly one delivery for each rule, group and fact, however often a process is killed; each delivery is sent
at least once, under one id, or told as dead. On failure: without PostgreSQL or the log it waits, and nothing is lost.
"""
