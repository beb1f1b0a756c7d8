"""Benchmarks: measurements, never tests. Each prints a table; none asserts a time.

`python -m bench` runs the end-to-end one; the others are run by name (`python -m bench.executor_bench`). Figures and
the machine they were taken on belong in `docs/benchmarks.md`.
"""
