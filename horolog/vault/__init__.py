"""Secrets at rest: how they are encrypted, and under whose keys.

Each tenant has a data key; what is secret of a tenant is encrypted under it (`cipher`), and whoever erases the key has
erased all of it, in every topic, table and backup of either. Data keys are kept encrypted themselves ("wrapped"),
under the master keys of the deployment (`master_keys`), which are never stored.

- `cipher`       a data key, and what it encrypts: AES-256-GCM, bound to a place
- `master_keys`  the keys from the environment, and wrapping
- `places`       where in a job a ciphertext may stand
- `port`         where wrapped keys and the tenants' own secrets are kept, and what can go wrong
- `cache`        data keys in memory, for a bounded time

Guarantee: nothing here logs, shows or raises with a key or a secret in it.
"""
