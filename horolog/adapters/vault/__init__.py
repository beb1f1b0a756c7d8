"""The vault in PostgreSQL: wrapped data keys, canaries, tombstones and the tenants' own secrets.

Its tables are in the schema `vault`, with migrations of their own: nothing that rebuilds, compares or prunes read
models touches them, and a role of the database that may read those need not be let in here. Only the API, the
executors and `horolog keys` are.

- `postgres`    the adapter
- `migrations`  the tables
"""
