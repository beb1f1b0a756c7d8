"""One module or package for each technology behind a port.

- `system`        the machine's clock and randomness.
- `servers`       PostgreSQL and Valkey as private, supervised children.
- `spawner`       the small process that starts users' programs.
- `groups`        control groups that bound them, of both versions.
- `containers`    the same programs in containers, by an engine's executable.
- `maker`         names for what outlives a process, that tell later whether it is a leftover.
- `otlp`          spans of traces, to a collector.
- `redis_notify`  notices that commands have taken effect.

Named only in composition roots and tests; nothing in the domain knows that they exist.
"""
