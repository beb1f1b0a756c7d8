"""The API: takes commands to the log, and answers questions from the read models.

In: HTTP, PostgreSQL read models, Redis notices. Out: `commands`.

Guarantee: the API decides nothing and owns nothing. A change is answered with the dispatcher's outcome, and only once
the read models show it, so that a caller always reads its own writes. Everything but `/health` is closed without a
token, and a caller sees its own tenant only.

On failure: without an owner for the tenant's partition, or without the log or the database, a request ends in a 503
that says which; a command may then be repeated with its Idempotency-Key, and takes effect once at most.

`gate` lets in whom `authentication` (static tokens) or `signed_tokens` (those of an auth service, by `jwks`)
recognises; or `account_tokens`, those of the built-in issuer in `accounts`. `app` assembles; `job_routes`,
`execution_routes`, `system_routes`, `internal_routes`, and with that issuer `auth_routes` and `user_routes`, are the
surface. `event_routes` serves the `streams`: the one thing that the API reads from the log to tell it.
"""
