"""Every contract that outlives a process: topics, records, commands, events and API bodies.

Guarantee: whatever is written by one version of Horolog can be read by every later one. Types are named by
explicit, versioned strings (never by a Python class), the registry of types is closed, unknown fields are
refused, and an old version of an event is lifted to the newest by `upcast` before it is validated.

This package imports nothing else of the project, so a stranger's service can depend on it alone.
"""
