"""The core of Horolog: what the services share, from the pure inside to the technical outside.

- `domain`    decides: cron, jobs, executions, retries, fairness, misfires. Pure; no I/O, clock or randomness.
- `limits`    every bound, with its unit; how they relate is asserted.
- `ports`     what the core needs of the world; each port states its guarantee.
- `log`       the log port, ownership, the owners' loop, and the two logs: embedded and Kafka.
- `adapters`  one module for each technology behind a port.
- `runtime`   settings, metrics, structured logs, the skeleton of a service.
- `cli`       the `horolog` command; `horolog dev` runs everything in one process tree.
"""
