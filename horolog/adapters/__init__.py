"""One module or package for each technology behind a port.

- `system`        the machine's clock and randomness.
- `servers`       PostgreSQL and Valkey as private, supervised children.
- `spawner`       the small process that starts users' programs.
- `redis_notify`  notices that commands have taken effect.

Named only in composition roots and tests; nothing in the domain knows that they exist.
"""
