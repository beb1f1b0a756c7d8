"""The roles of a deployment: one module each, with the adapters that it needs and no other's.

Every module has `run(parts, stop)`: serve until `stop` is set. `horolog.cli.composition` imports a module when its
role is to run, so that a process pays in start-up time and memory for its own role only.
"""
