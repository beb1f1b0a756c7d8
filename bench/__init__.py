"""Benchmarks: measurements, never tests. Each prints a table; none asserts a time.

`python -m bench` measures whole deployments end to end: services as processes of their own, on the embedded log or on
a private Kafka, watched from outside through the ledger, the API and /proc. `bench.parts` measures single parts, and
`bench.peers` other schedulers beside this one. Figures and the machine they were taken on belong in
`docs/benchmarks.md`.
"""
